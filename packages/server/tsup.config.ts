import { library } from '../../tsup.base.ts'

export default library({ entry: ['src/index.ts', 'src/ws.ts', 'src/node.ts'], target: 'es2023' })
