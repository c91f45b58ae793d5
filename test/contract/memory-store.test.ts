/** The memory store, and the simulated store with its faults off, keep the contract. */
import { isAlive } from '../../src/base/platform.ts';
import { MemoryMedium, memoryStore } from '../../src/log/memory-store.ts';
import { SimulatedMedium } from '../../src/testing/simulated-medium.ts';
import { simulatedStore } from '../../src/testing/simulated-store.ts';
import { logStoreContract } from './log-store.ts';

logStoreContract(
  'memory',
  async () => {
    const medium = new MemoryMedium();
    let now = 5;
    const open = () => memoryStore({ medium, clock: () => now });
    const elapse = (ms: number) => {
      now += ms;
    };
    return { store: open(), again: async () => open(), elapse, end: async () => {} };
  },
  { numRuns: 500 },
);

logStoreContract(
  'simulated',
  async () => {
    let now = 5;
    const medium = new SimulatedMedium({ clock: () => now, isAlive });
    const elapse = (ms: number) => {
      now += ms;
    };
    const open = () => simulatedStore({ medium });
    return { store: open(), again: async () => open(), elapse, end: async () => {} };
  },
  { numRuns: 500 },
);
