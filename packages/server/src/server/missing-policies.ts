// What nobody may see for want of a rule, named at start, so that it is not looked for in the browser.
import type { ResolvedOptions } from './options.ts'

/** Says to the log which entities, and whether presence, have no rule. */
export function warnOfMissingPolicies(options: ResolvedOptions): void {
  warnOfEntities(options)
  warnOfPresence(options)
}

function warnOfEntities({ stores, policies, logger }: ResolvedOptions): void {
  const missing = stores
    .map((store) => store.entity.name)
    .filter((name) => !policies.allowancesByEntity.has(name))
  if (missing.length === 0) return
  const rules = missing.map((name) => `allow(${name}, (user) => …)`).join(', ')
  logger.error(
    `No policy for ${missing.join(', ')}: nobody may see or write these rows. Add ${rules} to policies(…).`,
    { entities: missing },
  )
}

/** Whoever has a plugin for it wants it; of rooms nothing says whether an application has any. */
function warnOfPresence({ plugins, policies, logger }: ResolvedOptions): void {
  const plugin = plugins.find(({ messageTypes }) => messageTypes.includes('presence:join'))
  if (plugin === undefined || policies.allowancesByChannelKind.has('presence')) return
  logger.error(
    `No policy for presence: nobody may see who is where, or be seen. Add allowChannel('presence', (user, resource) => …) to policies(…).`,
    { plugin: plugin.name },
  )
}
