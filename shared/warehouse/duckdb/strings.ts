import duckdb, { type Vector } from '@duckdb/node-bindings'

/** Bytes of one `duckdb_string_t`: length, then the text itself if it fits, else its first four bytes and a pointer. */
const STRING_BYTES = 16
const INLINE_BYTES = 12
/** Up to here a loop writes ASCII faster than a call into C++ does. */
const LOOP_LENGTH = 40
const INITIAL_HEAP_BYTES = 64 * 1024
/** A heap that a few long texts have blown up is let go of when it is empty again. */
const MAX_KEPT_HEAP_BYTES = 4 * 1024 * 1024

/**
 * The texts of one VARCHAR vector, laid out as DuckDB keeps them. One call into C++ per vector instead of one per text: the
 * long texts go over as a single one, and each `duckdb_string_t` then points into it.
 */
export class StringColumn {
  #words = new Uint32Array(0)
  #bytes = new Uint8Array(0)
  #heap = Buffer.allocUnsafe(INITIAL_HEAP_BYTES)
  #used = 0
  #count = 0
  #last = ''
  /** Rows whose text is in the heap. */
  #long: number[] = []

  get length(): number {
    return this.#count
  }

  push(text: string): void {
    const row = this.#count++
    if (this.#words.length < this.#count * 4) this.#grow()
    const words = this.#words
    const word = row * 4
    if (row > 0 && text === this.#last) {
      words.copyWithin(word, word - 4, word)
      if ((words[word] as number) > INLINE_BYTES) this.#long.push(row)
      return
    }
    this.#last = text
    words[word + 1] = 0
    words[word + 2] = 0
    words[word + 3] = 0
    const { length } = text
    if (length <= INLINE_BYTES && writeAscii(text, this.#bytes, row * STRING_BYTES + 4)) words[word] = length
    else this.#pushLong(text, word)
  }

  /** Writes all texts to `vector` and forgets them. */
  flush(vector: Vector): void {
    const words = this.#words
    if (this.#long.length > 0) {
      const blob = this.#heap.subarray(0, this.#used)
      duckdb.vector_assign_string_element_len(vector, 0, blob)
      const first = duckdb.vector_get_data(vector, STRING_BYTES)
      const base = Number(new DataView(first.buffer, first.byteOffset, STRING_BYTES).getBigUint64(8, true))
      for (const row of this.#long) {
        const address = base + (words[row * 4 + 2] as number)
        words[row * 4 + 2] = address >>> 0
        words[row * 4 + 3] = Math.floor(address / 2 ** 32)
      }
    }
    duckdb.copy_data_to_vector(vector, 0, words.buffer as ArrayBuffer, 0, this.#count * STRING_BYTES)
    this.clear()
  }

  clear(): void {
    this.#long = []
    this.#used = 0
    this.#count = 0
    if (this.#heap.length > MAX_KEPT_HEAP_BYTES) this.#heap = Buffer.allocUnsafe(INITIAL_HEAP_BYTES)
  }

  #pushLong(text: string, word: number): void {
    const start = this.#used
    if (this.#heap.length - start < text.length * 3 + STRING_BYTES) this.#growHeap(text.length * 3 + STRING_BYTES)
    const heap = this.#heap
    const ascii = text.length <= LOOP_LENGTH && writeAscii(text, heap, start)
    const length = ascii ? text.length : heap.write(text, start, 'utf8')
    const words = this.#words
    words[word] = length
    words[word + 1] = 0
    words[word + 2] = 0
    words[word + 3] = 0
    if (length <= INLINE_BYTES) {
      this.#bytes.set(heap.subarray(start, start + length), word * 4 + 4)
      return
    }
    words[word + 1] = heap.readUInt32LE(start)
    words[word + 2] = start
    this.#used = start + length
    this.#long.push(word / 4)
  }

  #grow(): void {
    const words = new Uint32Array(Math.max(4 * 2048, this.#words.length * 2))
    words.set(this.#words)
    this.#words = words
    this.#bytes = new Uint8Array(words.buffer)
  }

  #growHeap(needed: number): void {
    const heap = Buffer.allocUnsafe(Math.max(this.#heap.length * 2, this.#used + needed))
    this.#heap.copy(heap, 0, 0, this.#used)
    this.#heap = heap
  }
}

/** Writes `text` if it is ASCII; false, with rubbish written, if it is not. */
function writeAscii(text: string, target: Uint8Array, offset: number): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return false
    target[offset + index] = code
  }
  return true
}
