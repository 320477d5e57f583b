import type { ServerStats } from '@dnr/server'

/** The server's numbers as Prometheus reads them. No label ever holds what a user typed. */
export function formatMetrics(stats: ServerStats): string {
  const metric = (name: string, type: 'gauge' | 'counter', help: string, value: number): string =>
    `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`
  return [
    metric('dnr_connections', 'gauge', 'Open connections.', stats.connections),
    metric('dnr_users', 'gauge', 'People with at least one connection.', stats.users),
    metric('dnr_channels', 'gauge', 'Channels with at least one subscriber.', stats.channels),
    metric('dnr_groups', 'gauge', 'Groups of subscribers that share their frames.', stats.groups),
    metric('dnr_subscriptions', 'gauge', 'Subscriptions.', stats.subscriptions),
    metric('dnr_frames_sent_total', 'counter', 'Frames handed to sockets.', stats.framesSent),
    metric(
      'dnr_policy_failures_total',
      'counter',
      'Rules that threw, took too long or gave no answer.',
      stats.policyFailures,
    ),
    metric(
      'dnr_groups_in_doubt',
      'gauge',
      'Groups that may lack rows because their policy failed; it is asked again.',
      stats.groupsInDoubt,
    ),
    metric(
      'dnr_delivery_failures_total',
      'counter',
      'Changes that a group could not be told of: its members were sent away to ask anew.',
      stats.deliveryFailures,
    ),
    metric(
      'dnr_log_gaps_total',
      'counter',
      'Changes that were trimmed before they were read: everybody was sent away to ask anew.',
      stats.logGaps,
    ),
    metric(
      'dnr_log_offset',
      'gauge',
      'Offset of the last change that was delivered.',
      stats.position?.offset ?? 0,
    ),
    metric('dnr_draining', 'gauge', '1 while the server goes away.', stats.draining ? 1 : 0),
  ].join('')
}
