import { describe, expect, test } from 'vitest'
import { readForward } from './forward-settings.ts'

const config = {
  SPANLEDGER_FORWARD_URL: 'https://otlp.example.com/v1/traces',
  SPANLEDGER_FORWARD_HEADERS: '',
  SPANLEDGER_FORWARD_PROJECTS: '',
}

describe('where spans are forwarded to', () => {
  test('headers are read as OpenTelemetry SDKs read theirs', () => {
    const { headers } = readForward({ ...config, SPANLEDGER_FORWARD_HEADERS: ' a=1, authorization=Basic%20eD15Cg==,,' })
    expect(headers).toStrictEqual({ a: '1', authorization: 'Basic eD15Cg==' })
  })

  test('projects are names between commas, none for all', () => {
    expect(readForward(config).projects).toStrictEqual([])
    expect(readForward({ ...config, SPANLEDGER_FORWARD_PROJECTS: ' a, b ,' }).projects).toStrictEqual(['a', 'b'])
  })

  test.each(['authorization=100%', 'na me=x', 'a=b%0d%0ac'])('the header %j is refused, and not shown', (text) => {
    const read = () => readForward({ ...config, SPANLEDGER_FORWARD_HEADERS: text })
    expect(read).toThrow(/^config: SPANLEDGER_FORWARD_HEADERS: write key=value,key=value with percent-encoded values$/)
  })

  test('there is no forwarding to nowhere', () => {
    const { SPANLEDGER_FORWARD_URL: _, ...rest } = config
    expect(() => readForward({ ...rest, SPANLEDGER_FORWARD_URL: undefined })).toThrow('set it to an OTLP endpoint')
  })
})
