// What a process has held of memory.
import { readFileSync } from 'node:fs';

/** The most that the process has held at any time, in bytes (`VmHWM`). @param {number} pid */
export function peakMemory(pid) {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) * 1024;
}
