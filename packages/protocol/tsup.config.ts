import { library } from '../../tsup.base.ts'

export default library({ entry: ['src/index.ts', 'src/schemas.ts'], target: 'es2022' })
