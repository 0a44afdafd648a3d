import { ACK, type Delivery, type Outcome, type Subscriber } from '../../shared/bus/bus.ts'
import { describeError, isSpanledgerError } from '../../shared/errors.ts'
import { createLakeCounter, type LakeCounts } from '../../shared/lake/counts.ts'
import type { Codec } from '../../shared/lake/parquet/compression.ts'
import { createParquetFormat } from '../../shared/lake/parquet-format.ts'
import { createLakeWriter, type LakeWriterOptions } from '../../shared/lake/writer.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import type { SpanBatch } from '../../shared/warehouse/trace-store.ts'

/** The most spans that are held decoded, unless a single message has more. */
const SLICE_SPANS = 50_000

export interface LakeSubscriberOptions extends Omit<LakeWriterOptions, 'format'> {
  /** Compression of the files. Default: zstd. */
  readonly codec?: Codec
}

/** The subscriber that writes the lake, and what it has to say for the conservation report. */
export interface LakeSubscriber extends Subscriber {
  counts(project: string): Promise<LakeCounts>
}

/**
 * Writes what one pull brought as one file for each hour of start time, and acknowledges after. A message that cannot be read is
 * dead; when the store fails, the messages it concerns are tried again and the others are done.
 */
export function createLakeSubscriber(options: LakeSubscriberOptions): LakeSubscriber {
  const { codec = 'zstd', ...rest } = options
  const format = createParquetFormat({ codec })
  const writer = createLakeWriter({ ...rest, format })
  return {
    async handle(deliveries) {
      const outcomes: Outcome[] = []
      for (const slice of slices(deliveries)) {
        const decoded = slice.map(decode)
        const failures = await writer.write(decoded.filter((item): item is SpanBatch => 'spans' in item))
        const results = failures.values()
        for (const item of decoded) outcomes.push('spans' in item ? writeOutcome(results.next().value) : item)
      }
      return outcomes
    },
    counts: createLakeCounter({ store: options.store, format }),
    async close() {},
  }
}

/** Cuts a pull into what is decoded at a time: many spans may hide in few bytes. */
function* slices(deliveries: readonly Delivery[]): Generator<readonly Delivery[]> {
  let start = 0
  let spans = 0
  for (const [index, { attributes }] of deliveries.entries()) {
    if (index > start && spans + attributes.spans > SLICE_SPANS) {
      yield deliveries.slice(start, index)
      start = index
      spans = 0
    }
    spans += attributes.spans
  }
  yield deliveries.slice(start)
}

function decode(delivery: Delivery): SpanBatch | Outcome {
  try {
    return decodeBatch(delivery)
  } catch (error) {
    return { kind: 'dead', reason: describeError(error) }
  }
}

/** A store that refuses is no fault of the message; anything else that is thrown may well be. */
function writeOutcome(failure: unknown): Outcome {
  if (failure === undefined) return ACK
  return { kind: 'retry', reason: describeError(failure), blameless: isSpanledgerError(failure) }
}
