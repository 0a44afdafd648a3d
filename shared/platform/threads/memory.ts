import { setFlagsFromString } from 'node:v8'

/** Upper bound of each thread's young generation, in MiB: three semi-spaces. */
export const YOUNG_GENERATION_MB = 48

/**
 * Keeps the memory and the CPU of a process of many threads within bounds. To be called before the first thread starts.
 *
 * V8 sizes its heap for one thread that has the machine to itself: five of them hold 400 MiB of free young space, and
 * their parallel collectors compete for the cores that the threads need.
 */
export function boundMemory(): void {
  setFlagsFromString(`--max-semi-space-size=${YOUNG_GENERATION_MB / 3}`)
  setFlagsFromString('--single-threaded-gc')
}
