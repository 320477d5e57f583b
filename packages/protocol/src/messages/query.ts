import { z } from 'zod'

/** What a field is compared with. */
export const scalarSchema = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** Comparisons of one field, all of which must hold. */
export const comparisonSchema = z.strictObject({
  eq: scalarSchema.optional(),
  ne: scalarSchema.optional(),
  lt: scalarSchema.optional(),
  lte: scalarSchema.optional(),
  gt: scalarSchema.optional(),
  gte: scalarSchema.optional(),
  in: z.array(scalarSchema).max(100).optional(),
})

/** Fields and what they must be; a bare value means `eq`. Whether the fields exist is the entity's to say. */
export const whereSchema = z.record(z.string().max(64), z.union([scalarSchema, comparisonSchema]))

const OPERATORS: readonly string[] = Object.keys(comparisonSchema.shape)

/** What is wrong with a `where` that {@link whereSchema} refuses, in a sentence that names field and operator. */
export function explainWhere(where: unknown): string {
  if (!isRecord(where)) return 'where: expected an object of fields.'
  for (const [field, condition] of Object.entries(where)) {
    const complaint = field.length > 64 ? ': the name is too long.' : explainCondition(condition)
    if (complaint !== null) return `where.${field.slice(0, 64)}${complaint}`
  }
  return 'where: expected JSON such as {"status":{"eq":"todo"}}.'
}

function explainCondition(condition: unknown): string | null {
  if (scalarSchema.safeParse(condition).success) return null
  if (!isRecord(condition)) return ': expected a value, or comparisons such as {"eq":1}.'
  for (const [operator, value] of Object.entries(condition)) {
    if (!OPERATORS.includes(operator))
      return `: there is no operator "${operator.slice(0, 32)}". Operators: ${OPERATORS.join(', ')}.`
    if (comparisonSchema.safeParse({ [operator]: value }).success) continue
    return operator === 'in'
      ? '.in: expected a list of up to 100 values.'
      : `.${operator}: expected text, a number, true, false or null.`
  }
  return null
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Order of a list, most significant first; the id breaks ties. */
export const orderBySchema = z.array(z.tuple([z.string().max(64), z.enum(['asc', 'desc'])])).max(8)
