import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { SpanledgerError } from '../errors.ts'
import { type CustomPrice, customPricesSchema } from './custom-price.ts'

const fileSchema = z.strictObject({ prices: customPricesSchema })

/** Reads the price file: `{"prices": […]}`. Rejects with `pricing/invalid` naming what is wrong. */
export async function readPriceFile(path: string): Promise<readonly CustomPrice[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const instead = 'set SPANLEDGER_PRICES to one that can, or to none'
    throw new SpanledgerError('pricing/invalid', `${path} cannot be read (${error.code}): ${instead}`, { cause: error })
  })
  const result = fileSchema.safeParse(parse(text.replace(/^\uFEFF/, '')))
  if (result.success) return result.data.prices
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new SpanledgerError('pricing/invalid', `the price file that SPANLEDGER_PRICES names: ${problems.join('; ')}`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SpanledgerError('pricing/invalid', 'the price file that SPANLEDGER_PRICES names is not JSON', {
      cause: error,
    })
  }
}
