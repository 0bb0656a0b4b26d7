/** Facts that a user states in a conversation, and the questions that they answer. */

import type { Clause } from './clauses.ts'

/** Something that the user said to be so. */
export interface Fact {
  /** What it is about, in lower case: `name`, `home`, `work`, or the user's own words, e.g. `favourite tea`. */
  readonly subject: string
  /** The fact, told back to the user: `Your favourite tea is jasmine`. */
  readonly sentence: string
  /** The value alone: `jasmine`. */
  readonly value: string
}

/** Statements with a wording of their own, and how to tell them back. */
const STATEMENTS = [
  { pattern: /^(?:my name is|i am called|i'm called|call me) (.+)$/i, subject: 'name', tell: 'Your name is' },
  { pattern: /^i (?:live in|come from|am from) (.+)$|^i'm from (.+)$/i, subject: 'home', tell: 'You live in' },
  { pattern: /^i work (?:at|for|as) (.+)$/i, subject: 'work', tell: 'You work for' },
] as const

/** Questions with a wording of their own. */
const QUESTIONS = [
  { pattern: /\bwho am i\b|\bam i called\b/i, subject: 'name' },
  { pattern: /\bwhere (?:do|did) i live\b|\bwhere am i from\b|\bwhere is my home\b/i, subject: 'home' },
  { pattern: /\b(?:where|what) do i work\b|\bwhat(?:'s| is) my (?:job|work)\b/i, subject: 'work' },
] as const

const POSSESSIVE_STATEMENT = /^(my|our|the) (.+?) (?:is|are|was) (.+)$/i
const POSSESSIVE_QUESTION = /\b(my|our|the) (.+?)(?: is| was| are| again| called)?$/i

/** The fact that a clause states, if it states one. */
export function factOf(clause: Clause): Fact | undefined {
  if (clause.isQuestion) return undefined
  for (const { pattern, subject, tell } of STATEMENTS) {
    const match = pattern.exec(clause.text)
    const value = match?.[1] ?? match?.[2]
    if (value !== undefined) return { subject, value, sentence: `${tell} ${value}` }
  }
  const [, owner, subject, value] = POSSESSIVE_STATEMENT.exec(clause.text) ?? []
  if (owner === undefined || subject === undefined || value === undefined) return undefined
  const told = `${tellOwner(owner)} ${subject}`
  const verb = / are /i.test(clause.text.slice(0, -value.length)) ? 'are' : 'is'
  return { subject: normalise(subject), value, sentence: `${told} ${verb} ${value}` }
}

/** What a question asks for, if it asks for a fact: the subject, and how to name it when it is unknown. */
export function subjectOf(clause: Clause): { readonly subject: string; readonly told: string } | undefined {
  if (!clause.isQuestion) return undefined
  for (const { pattern, subject } of QUESTIONS) {
    if (pattern.test(clause.text)) return { subject, told: `your ${subject}` }
  }
  const [, owner, subject] = POSSESSIVE_QUESTION.exec(clause.text) ?? []
  if (owner === undefined || subject === undefined) return undefined
  return { subject: normalise(subject), told: `${tellOwner(owner).toLowerCase()} ${subject}` }
}

/** The newest fact about the subject; one phrase may say more than the other ("code", "code of the locker"). */
export function findFact(facts: readonly Fact[], subject: string): Fact | undefined {
  return (
    facts.findLast((fact) => fact.subject === subject) ??
    facts.findLast((fact) => contains(fact.subject, subject) || contains(subject, fact.subject))
  )
}

function contains(phrase: string, part: string): boolean {
  const words = new Set(phrase.split(' '))
  return part.split(' ').every((word) => words.has(word))
}

function tellOwner(owner: string): string {
  return owner.toLowerCase() === 'the' ? 'The' : 'Your'
}

function normalise(subject: string): string {
  return subject.toLowerCase().replaceAll('favorite', 'favourite').replaceAll('colour', 'color').replace(/\s+/g, ' ')
}
