// The rules that keep the star, as a pure function over sources: see ARCHITECTURE.md and check-boundaries.ts.
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import ts from 'typescript'

/** Paths from the root (`packages/client/src/index.ts`) and their text; every package's src. */
export type Sources = ReadonlyMap<string, string>

/** Entries that a browser loads: nothing they reach may import a Node module. */
const browserEntries = [
  'packages/protocol/src/index.ts',
  'packages/protocol/src/schemas.ts',
  'packages/client/src/index.ts',
  'packages/optimistic/src/index.ts',
  'packages/react/src/index.ts',
  'packages/presence/src/index.ts',
  'packages/presence/src/client.ts',
]

/** The entry that must work without zod. */
const zodFreeEntry = 'packages/protocol/src/index.ts'

type HostFeature = 'Date.now' | 'Math.random' | 'setTimeout' | 'setInterval' | 'new WebSocket'

/** The only files that touch the host's time, chance and sockets; everything else takes a port. Keep it short. */
const hostFeaturesByFile: Readonly<Record<string, readonly HostFeature[]>> = {
  'packages/client/src/connection/browser-environment.ts': ['new WebSocket'],
  'packages/internal/src/system-clock.ts': ['Date.now', 'setTimeout'],
  'packages/internal/src/system-random.ts': ['Math.random'],
}

interface Import {
  readonly specifier: string
  readonly isTypeOnly: boolean
}

interface Module {
  readonly imports: readonly Import[]
  readonly hostFeatures: readonly HostFeature[]
}

/** One line for each broken rule; empty when all hold. */
export function findViolations(sources: Sources): string[] {
  const modules = new Map([...sources].map(([file, text]) => [file, readModule(file, text)]))
  return [
    ...[...modules].flatMap(([file, module]) => [
      ...checkStar(file, module),
      ...checkOwnIndex(file, module),
      ...checkHostFeatures(file, module),
    ]),
    ...browserEntries.flatMap((entry) => checkBrowserEntry(entry, modules)),
    ...checkZodFree(modules),
  ]
}

function checkStar(file: string, { imports }: Module): string[] {
  const name = packageOf(file)
  const allowed = name === 'protocol' ? [] : name === 'internal' ? ['protocol'] : ['protocol', 'internal']
  return imports
    .map(({ specifier }) => /^@dnr\/([^/]+)/.exec(specifier)?.[1])
    .filter((sibling) => sibling !== undefined && sibling !== name && !allowed.includes(sibling))
    .map(
      (sibling) =>
        `${file} imports @dnr/${sibling}: ${name} may import ${list(allowed.map((each) => `@dnr/${each}`))}`,
    )
}

function checkOwnIndex(file: string, { imports }: Module): string[] {
  const name = packageOf(file)
  return imports
    .map(({ specifier }) => specifier)
    .filter(
      (specifier) =>
        resolve(file, specifier) === `packages/${name}/src/index.ts` || isPackage(specifier, `@dnr/${name}`),
    )
    .map(
      (specifier) => `${file} imports its own package's index (${specifier}): import the file that holds it`,
    )
}

function checkHostFeatures(file: string, { hostFeatures }: Module): string[] {
  return [...new Set(hostFeatures)]
    .filter((feature) => !hostFeaturesByFile[file]?.includes(feature))
    .map(
      (feature) =>
        `${file} uses ${feature}: take a Clock, a random function or a socket factory (allow-list: scripts/boundaries.ts)`,
    )
}

function checkBrowserEntry(entry: string, modules: ReadonlyMap<string, Module>): string[] {
  return pathsFrom(entry, modules, { types: true }).flatMap(({ path, imports }) =>
    imports
      .filter(({ specifier }) => specifier.startsWith('node:') || builtinModules.includes(specifier))
      .map(
        ({ specifier }) => `${path.join(' → ')} imports ${specifier}: browser entries reach no Node module`,
      ),
  )
}

function checkZodFree(modules: ReadonlyMap<string, Module>): string[] {
  return pathsFrom(zodFreeEntry, modules, { types: false }).flatMap(({ path, imports }) =>
    imports
      .filter(({ specifier, isTypeOnly }) => !isTypeOnly && isPackage(specifier, 'zod'))
      .map(() => `${path.join(' → ')} imports zod: the root entry of @dnr/protocol works without it`),
  )
}

/** Every module that `entry` reaches, each with one way to it. */
function pathsFrom(
  entry: string,
  modules: ReadonlyMap<string, Module>,
  follow: { types: boolean },
): { path: string[]; imports: readonly Import[] }[] {
  const reached = new Map([[entry, [entry]]])
  for (const [file, path] of reached) {
    for (const { specifier, isTypeOnly } of modules.get(file)?.imports ?? []) {
      const target = resolve(file, specifier)
      if (target && !reached.has(target) && (follow.types || !isTypeOnly))
        reached.set(target, [...path, target])
    }
  }
  return [...reached].map(([file, path]) => ({ path, imports: modules.get(file)?.imports ?? [] }))
}

/** The file in `packages/` that `specifier` names, or null for what lies outside. */
function resolve(file: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier)
  const [, name, entry = 'index'] = /^@dnr\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? []
  return name ? `packages/${name}/src/${entry}.ts` : null
}

function readModule(file: string, text: string): Module {
  const imports: Import[] = []
  const hostFeatures: HostFeature[] = []
  const visit = (node: ts.Node): void => {
    const found = readImport(node)
    if (found) imports.push(found)
    const feature = readHostFeature(node)
    if (feature) hostFeatures.push(feature)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  return { imports, hostFeatures }
}

// Under verbatimModuleSyntax `import { type A } from` still loads the module: only `import type` is erased.
function readImport(node: ts.Node): Import | null {
  if (ts.isImportDeclaration(node))
    return {
      specifier: textOf(node.moduleSpecifier),
      isTypeOnly: node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword,
    }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier)
    return { specifier: textOf(node.moduleSpecifier), isTypeOnly: node.isTypeOnly }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    return { specifier: textOf(node.argument.literal), isTypeOnly: true }
  if (
    ts.isCallExpression(node) &&
    node.expression.kind === ts.SyntaxKind.ImportKeyword &&
    node.arguments[0]
  ) {
    return { specifier: textOf(node.arguments[0]), isTypeOnly: false }
  }
  return null
}

const globalNames = new Set(['globalThis', 'window', 'self'])

function readHostFeature(node: ts.Node): HostFeature | null {
  if (ts.isNewExpression(node) && nameOfGlobal(node.expression) === 'WebSocket') return 'new WebSocket'
  if (ts.isPropertyAccessExpression(node)) {
    const member = `${nameOfGlobal(node.expression)}.${node.name.text}`
    if (member === 'Date.now' || member === 'Math.random') return member
  }
  if (ts.isExpression(node) && isRead(node)) {
    const name = nameOfGlobal(node)
    if (name === 'setTimeout' || name === 'setInterval') return name
  }
  return null
}

/** `setTimeout` for both `setTimeout` and `globalThis.setTimeout`, but not for `clock.setTimeout`. */
function nameOfGlobal(node: ts.Expression): string | null {
  if (ts.isIdentifier(node)) return node.text
  if (
    ts.isPropertyAccessExpression(node) &&
    ts.isIdentifier(node.expression) &&
    globalNames.has(node.expression.text)
  )
    return node.name.text
  return null
}

/** Whether the name stands for a value here: not the name of a declared member, nor behind a dot. */
function isRead(node: ts.Expression): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  if (ts.isTypeQueryNode(parent)) return false
  const declaresIt = 'name' in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent)
  return !declaresIt
}

function textOf(node: ts.Node): string {
  return ts.isStringLiteralLike(node) ? node.text : ''
}

function packageOf(file: string): string {
  return file.split('/')[1] ?? ''
}

function isPackage(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(`${name}/`)
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'no @dnr package' : names.join(' and ')
}
