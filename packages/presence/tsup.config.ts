import { library } from '../../tsup.base.ts'

export default library({ entry: ['src/index.ts', 'src/server.ts', 'src/client.ts'], target: 'es2022' })
