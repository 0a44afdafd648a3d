/**
 * Loaded before a server (`--import`), threads included: its clock is ahead by `TEST_CLOCK_AHEAD_MS`, so that a test can see the next
 * day. Nothing of the server knows of it.
 */
const ahead = Number(process.env.TEST_CLOCK_AHEAD_MS)
const RealDate = globalThis.Date

globalThis.Date = class extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) super(RealDate.now() + ahead)
    else super(...given)
  }

  static override now(): number {
    return RealDate.now() + ahead
  }
} as DateConstructor
