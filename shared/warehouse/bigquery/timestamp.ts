/** Nanoseconds since 1970 as BigQuery's TIMESTAMP, which ends at microseconds: RFC 3339, the rest cut off. */
export function timestamp(nanos: bigint): string {
  const micros = nanos / 1000n
  const seconds = new Date(Number(micros / 1_000_000n) * 1000).toISOString().slice(0, 19)
  return `${seconds}.${(micros % 1_000_000n).toString().padStart(6, '0')}Z`
}
