import { ACK, type Delivery, type Outcome, type Subscriber } from '../../shared/bus/bus.ts'
import { describeError, isSpanledgerError } from '../../shared/errors.ts'
import { createLakeCounter, type LakeCounts } from '../../shared/lake/counts.ts'
import type { Codec } from '../../shared/lake/parquet/column-chunk.ts'
import { createParquetFormat } from '../../shared/lake/parquet-format.ts'
import { createLakeWriter, type LakeWriterOptions } from '../../shared/lake/writer.ts'
import { decodeBatch } from '../../shared/otlp/batch.ts'
import type { SpanBatch } from '../../shared/warehouse/trace-store.ts'

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
      const decoded = deliveries.map(decode)
      const batches = decoded.filter((item): item is SpanBatch => 'spans' in item)
      const failures = await writer.write(batches)
      const results = failures.values()
      return decoded.map((item) => ('spans' in item ? writeOutcome(results.next().value) : item))
    },
    counts: createLakeCounter({ store: options.store, format }),
    async close() {},
  }
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
