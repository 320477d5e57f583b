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

/** Order of a list, most significant first; the id breaks ties. */
export const orderBySchema = z.array(z.tuple([z.string().max(64), z.enum(['asc', 'desc'])])).max(8)
