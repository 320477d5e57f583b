import type { DnrError } from '@dnr/protocol'

/** Why a write was refused, as a sentence: "Server refused: title is longer than 200 characters." */
export function sentenceOf(error: DnrError): string {
  const errors = error.details?.['errors']
  const complaints = Array.isArray(errors)
    ? (errors as readonly Complaint[]).map(complaintOf)
    : [error.message]
  return `Server refused: ${complaints.join('; ').replace(/\.$/, '')}.`
}

interface Complaint {
  readonly path: readonly string[] | string
  readonly message: string
}

function complaintOf({ path, message }: Complaint): string {
  return `${Array.isArray(path) ? path.join('.') : String(path)} ${message}`
}
