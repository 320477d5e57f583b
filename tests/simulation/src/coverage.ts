/** Situations that are rare and must occur: a run over many seeds in which one never did proves less than it says. */
export const RARE_EDGES = [
  'resume',
  'resume refused',
  'resume during a trim',
  'resume in several pages',
  'resume with newer rows',
  'resume ahead of its server',
  'snapshot in several chunks',
  'snapshot overtaken by a write',
  'rights changed within a snapshot',
  'subscription replaced',
  'cut inside a transaction',
  'transaction in parts',
  'changes told together',
  'log read in the middle of a transaction',
  'event before its answer',
  'answer lost, write repeated',
  'twin of a key in flight',
  'refused write',
  'version conflict',
  'crash inside a transaction',
  'crash between commit and publish',
  'crash while starting',
  'position of another history',
  'row left sight',
  'row came into sight',
  'slow reader closed',
  'half-open connection noticed',
  'zombie connection',
  'clock set',
  'bad weather',
  'page suspended',
  'connections refused',
  'busy database',
  'full database',
  'sink failed',
  'transaction delivered again',
  'trimmed before the relay had read it',
  'transaction rolled back',
  'rights changed while connected',
  'rights told without being asked',
  'rights said late',
  'saw everything, sees fewer',
  'saw everything, sees nothing',
  'saw nothing, sees everything',
  'saw fewer, sees everything',
  'somebody came',
  'somebody changed',
  'somebody left',
  'foreign board refused',
  'sent away from a board',
  'word in a room',
  'word for one user',
  'foreign room refused',
  'sent away from a room',
  'list over HTTP',
  'row over HTTP',
  'write over HTTP',
  'refused over HTTP',
  'version conflict over HTTP',
  'rights changed during a request',
  'many rows at once',
  'rule failed on a row',
  'rule not looked up',
  'rights not known',
  'told to be in doubt',
  'subscribe waited for its turn',
  'unsubscribed while waiting to subscribe',
  'rights changed while waiting to subscribe',
  'cut while waiting to subscribe',
] as const

export type RareEdge = (typeof RARE_EDGES)[number]

/** How often each rare edge occurred. */
export type Coverage = Record<RareEdge, number>

export function createCoverage(): Coverage {
  return Object.fromEntries(RARE_EDGES.map((edge) => [edge, 0])) as Coverage
}

/** From so many programs on a rare edge that never occurred is a failure: nobody would notice that it has become impossible. */
export const MANY_RUNS = 500

/** Edges that did not occur. */
export function missingEdges(coverage: Coverage): readonly RareEdge[] {
  return RARE_EDGES.filter((edge) => coverage[edge] === 0)
}

export function addCoverage(total: Coverage, other: Coverage): void {
  for (const edge of RARE_EDGES) total[edge] += other[edge]
}
