import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { clientMessageSchema, serverMessageSchema } from '../src/schemas.ts'
import { PROTOCOL_VERSION, SUBPROTOCOL } from '../src/version.ts'

const file = new URL(`../wire/v${PROTOCOL_VERSION}.json`, import.meta.url)

const describeSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })

/** Everything about the wire that the schemas know, as JSON schema. */
function describeWire(): string {
  const wire = {
    protocolVersion: PROTOCOL_VERSION,
    subprotocol: SUBPROTOCOL,
    clientMessages: describeSchema(clientMessageSchema),
    serverMessages: describeSchema(serverMessageSchema),
  }
  return `${JSON.stringify(wire, null, 2)}\n`
}

test('the wire is the one that was written down for this version', () => {
  const wire = describeWire()
  if (process.env['UPDATE_WIRE'] === '1') writeFileSync(file, wire)
  const written = existsSync(file) ? readFileSync(file, 'utf8') : ''
  expect(
    JSON.parse(wire) as unknown,
    `The messages are no longer those of packages/protocol/wire/v${PROTOCOL_VERSION}.json. If older clients and servers ` +
      'still understand each other (an added, optional field), run this test with UPDATE_WIRE=1 and commit the file with ' +
      'PROTOCOL.md. If not, raise PROTOCOL_VERSION first and keep the old file.',
  ).toEqual(written === '' ? null : (JSON.parse(written) as unknown))
})

test('the description sees a type, a field and a bound change', () => {
  const described = JSON.stringify(describeSchema(clientMessageSchema))
  for (const part of [
    '"const":"subscribe"',
    '"maxLength":4096',
    '"pattern":"^[\\\\w-]{1,64}$"',
    '"requestId"',
    '"additionalProperties":false',
  ]) {
    expect(described).toContain(part)
  }
})
