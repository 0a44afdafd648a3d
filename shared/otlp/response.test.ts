import { expect, test } from 'vitest'
import { describeRejections, encodeResponse, encodeStatus, RPC_CODES } from './response.ts'

const text = (data: Uint8Array) => Buffer.from(data).toString()
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex')

test('nothing rejected: no partial success', () => {
  expect(describeRejections(new Map(), new Map())).toBeUndefined()
  expect(text(encodeResponse('json'))).toBe('{}')
  expect(encodeResponse('protobuf')).toHaveLength(0)
})

test('rejected spans are told by reason with one example each', () => {
  const partial = describeRejections(
    new Map([
      ['invalid_trace_id', 2],
      ['span_too_large', 1],
    ]),
    new Map([['invalid_trace_id', 7]]),
  )
  const errorMessage = '3 spans rejected: 2 invalid_trace_id (first: span 7 of the request, from 0), 1 span_too_large'
  expect(partial).toStrictEqual({ rejectedSpans: 3, errorMessage })
  // An int64 is a string in proto3's JSON.
  expect(text(encodeResponse('json', partial))).toBe(
    JSON.stringify({ partialSuccess: { rejectedSpans: '3', errorMessage } }),
  )
  expect(hex(encodeResponse('protobuf', { rejectedSpans: 300, errorMessage: 'no' }))).toBe('0a0708ac0212026e6f')
})

test('a status in both encodings', () => {
  expect(text(encodeStatus('json', RPC_CODES.invalidArgument, 'no'))).toBe('{"code":3,"message":"no"}')
  expect(hex(encodeStatus('protobuf', RPC_CODES.invalidArgument, 'no'))).toBe('080312026e6f')
})
