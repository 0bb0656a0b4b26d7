/** Facts of a bench as they might be, for the tests of what is made of them. */

import { CONTESTANTS } from './contestants.ts'
import type { AgentMode, BenchFacts, SessionRun, TurnSample } from './facts.ts'
import { DEFAULT_PRICES, monthlyPrice } from './price.ts'

/** Facts of two turns of two traces; one store ends between them. */
export function someBenchFacts(): BenchFacts {
  const sessions = (['chat', 'tools'] as const).flatMap((trace) =>
    (['cold', 'warm'] as const).flatMap((agents) =>
      CONTESTANTS.map(({ id }, index): SessionRun => {
        const run = { trace, agents, contestant: id }
        const units = index === 0 ? () => 9 : (turn: number) => 5 * index * turn
        if (id !== 'stock-message' || trace !== 'tools') {
          return { ...run, samples: [1, 100].map((turn) => someSample(turn, units(turn), agents)) }
        }
        const end = { turn: 82, error: 'ValidationException: Item size has exceeded the maximum allowed size' }
        return { ...run, samples: [1, 81].map((turn) => someSample(turn, units(turn), agents)), end }
      }),
    ),
  )
  return {
    engine: 'DynamoDB Local 3.3.0',
    node: '24.0.0',
    prices: DEFAULT_PRICES,
    turns: [1, 100],
    sessions,
    bundle: {
      agent: { bytes: 1_500_000, gzipped: 400_000 },
      sdks: { bytes: 1_550_000, gzipped: 410_000 },
      library: { bytes: 1_600_000, gzipped: 425_000 },
      added: { bytes: 50_000, gzipped: 15_000 },
      limit: 20_480,
      importTime: { runs: 15, agentMs: 200, sdksMs: 210, libraryMs: 215 },
    },
  }
}

function someSample(turn: number, writeUnits: number, agents: AgentMode): TurnSample {
  const mean = { writeUnits, readUnits: 1 }
  const stored = { storedBytes: 1_234 * turn, storedItems: turn }
  return {
    turn,
    writeUnits,
    readUnits: 1,
    roundTrips: 5,
    ...(agents === 'cold' && { resume: { readUnits: turn === 1 ? 0 : 15, roundTrips: 1 } }),
    ...stored,
    cpuMs: 12.34,
    mean,
    monthlyPrice: monthlyPrice({ turns: turn, mean, ...stored }, DEFAULT_PRICES),
  }
}
