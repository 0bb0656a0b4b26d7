import { expect, test } from 'vitest'
import { clausesOf } from './clauses.ts'

test.each([
  [
    'Hi, my name is Ada and I live in Lisbon.',
    [
      ['my name is Ada', false],
      ['I live in Lisbon', false],
    ],
  ],
  [
    'My code is K7.5! What is it?',
    [
      ['My code is K7.5', false],
      ['What is it', true],
    ],
  ],
  ['Save a note: bread and butter', [['Save a note: bread and butter', false]]],
  [
    'What is my name, and my tea?',
    [
      ['What is my name', true],
      ['my tea', true],
    ],
  ],
  ['please tell me my name', [['tell me my name', true]]],
  ['Hello!', [['Hello', false]]],
  [' … ', [['…', false]]],
  ['', []],
])('cuts %j', (text, clauses) => {
  expect(clausesOf(text).map((clause) => [clause.text, clause.isQuestion])).toEqual(clauses)
})
