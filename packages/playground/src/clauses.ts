/** Cuts what a user writes into clauses that state or ask one thing each. */

/** One statement, question or order. */
export interface Clause {
  /** Its words, without the punctuation at its end. */
  readonly text: string
  readonly isQuestion: boolean
}

const OPENER =
  /^(?:(?:hi|hello|hey|ok|okay|so|well|and|also|but|please|then|by the way|remember(?: that)?)\b[,:!]?\s*)+/i
const QUESTION =
  /^(?:who|what|which|where|when|why|how|do|does|did|can|could|is|are|am|was|were|have|tell me|remind me|repeat)\b/i
/** An "and" or a comma that starts a new thought, unlike the one in "bread and butter". */
const JOINT =
  /(?:,\s*(?:and\s+)?|\s+and\s+)(?=(?:my|our|the|i|i'm|what|what's|which|where|who|how|do|tell|save|note)\b)/i

/** Cuts at the ends of sentences, and where a sentence joins two thoughts. */
export function clausesOf(text: string): Clause[] {
  const sentences = text.match(/(?:[^.!?\n]|[.!?](?=\S))+[.!?]*/g) ?? []
  return sentences.flatMap((sentence) => {
    const trimmed = sentence.trim()
    const asks = trimmed.endsWith('?') || QUESTION.test(trimmed.replace(OPENER, ''))
    return stripOpener(trimmed.replace(/[\s.!?]+$/, ''))
      .split(JOINT)
      .map((part) => stripOpener(part.trim()))
      .filter((part) => part !== '')
      .map((part) => ({ text: part, isQuestion: asks || QUESTION.test(part) }))
  })
}

/** Drops "hi", "please", "remember that" and the like, unless nothing else is there. */
function stripOpener(part: string): string {
  const rest = part.replace(OPENER, '')
  return rest === '' ? part : rest
}
