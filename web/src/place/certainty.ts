export type Certainty = 'sure' | 'likely' | 'unsure'

const SURE = 0.9
const LIKELY = 0.5

/** A share of belief in a word: below `likely` the caller should be asked once more. */
export function certainty(confidence: number): Certainty {
  if (confidence >= SURE) return 'sure'
  return confidence >= LIKELY ? 'likely' : 'unsure'
}
