import { DnrError } from '@dnr/protocol'
import { EnvironmentError, readEnvironment } from './environment.ts'
import { createLogger } from './logger.ts'
import { startBoard } from './start-board.ts'

try {
  const environment = readEnvironment(process.env)
  const logger = createLogger(environment.logLevel, (line) => process.stderr.write(`${line}\n`))
  const board = await startBoard(environment, logger)
  let isStopping = false

  const stop = (signal: string): void => {
    if (isStopping) return
    isStopping = true
    logger.info('The board stops.', { signal })
    board.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error('The board could not stop cleanly.', { error })
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  console.log(`listening on ${board.url}`)
} catch (error) {
  console.error(explain(error))
  process.exit(1)
}

/** One line for what the environment got wrong; a stack only for what nobody foresaw. */
function explain(error: unknown): string {
  if (error instanceof EnvironmentError) return error.message
  if (error instanceof DnrError) return error.message.replace(/^limits\./, 'DNR_LIMITS: ')
  const { code, message, stack } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return `${message}: another program uses this port. Set PORT to another one, or to 0 for any.`
  return stack ?? message
}
