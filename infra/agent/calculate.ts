/** Evaluates sums with `+ - * /` and brackets. */

/**
 * The value of an expression, e.g. `12 * (3 + 4)`.
 *
 * @throws RangeError when it is not such an expression, or divides by zero
 */
export function calculate(expression: string): number {
  const tokens =
    expression
      .replaceAll('×', '*')
      .replaceAll('÷', '/')
      .match(/\d+(?:\.\d+)?|\S/g) ?? []
  let position = 0

  const sum = (): number => {
    let value = product()
    while (tokens[position] === '+' || tokens[position] === '-') {
      value = tokens[position++] === '+' ? value + product() : value - product()
    }
    return value
  }
  const product = (): number => {
    let value = operand()
    while (tokens[position] === '*' || tokens[position] === '/') {
      value = tokens[position++] === '*' ? value * operand() : value / operand()
    }
    return value
  }
  const operand = (): number => {
    const token = tokens[position++]
    if (token === '-') return -operand()
    if (token === '(') {
      const value = sum()
      if (tokens[position++] !== ')') throw new RangeError(`A bracket is open in '${expression}'`)
      return value
    }
    if (token === undefined || !/^\d/.test(token)) throw new RangeError(`'${expression}' is not a sum`)
    return Number(token)
  }

  const value = sum()
  if (position < tokens.length || !Number.isFinite(value)) throw new RangeError(`'${expression}' has no value`)
  return value
}
