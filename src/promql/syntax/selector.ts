import { CeleriacError, compileMatcher, METRIC_NAME } from '../../base/index.ts'
import type { LabelMatcher } from '../contract.ts'
import type { Span, VectorSelector } from './ast.ts'
import { PromqlSyntaxError } from './error.ts'
import type { Token } from './lexer.ts'
import type { Tokens } from './tokens.ts'

const OPERATORS: ReadonlySet<string> = new Set(['=', '!=', '=~', '!~'])
const WHERE = 'label matching'

/**
 * `name`, `name{…}` or `{…}`; the name's token has been consumed, the brace not.
 *
 * @throws PromqlSyntaxError also when every matcher would match the empty string: such a selector would read everything.
 */
export function parseSelector(tokens: Tokens, nameToken: Token | undefined): VectorSelector {
  const first = nameToken ?? tokens.peek
  const matchers: LabelMatcher[] = []
  let name = nameToken?.text
  if (tokens.atSymbol('{')) {
    tokens.next()
    while (!tokens.atSymbol('}')) {
      const token = tokens.peek
      const quoted = token.kind === 'string'
      const label = tokens.labelName(WHERE)
      if (quoted && (tokens.atSymbol(',') || tokens.atSymbol('}'))) {
        if (name !== undefined) throw setTwice(name, label, token)
        name = label
      } else {
        matchers.push(parseMatcher(tokens, label, token))
      }
      if (!tokens.atSymbol('}')) tokens.expect(',', `in ${WHERE}`)
    }
    tokens.next()
  }
  const again = matchers.find(matcher => matcher.name === METRIC_NAME)
  if (name !== undefined && again !== undefined) throw setTwice(name, again.value, first)
  if (name !== undefined) matchers.push({ name: METRIC_NAME, op: '=', value: name })
  const span = tokens.spanFrom(first)
  if (matchers.every(matcher => compileMatcher(matcher)(''))) {
    throw new PromqlSyntaxError(
      'vector selector must contain at least one non-empty matcher',
      span,
      'Name the metric, or give a matcher that an absent label does not satisfy.',
    )
  }
  const given = matchers.filter(matcher => matcher.name === METRIC_NAME && matcher.op === '=')
  return { type: 'selector', name: name ?? given[0]?.value, matchers, offsetMs: 0, at: undefined, span }
}

const setTwice = (one: string, other: string, span: Span): PromqlSyntaxError =>
  new PromqlSyntaxError(`metric name must not be set twice: "${one}" or "${other}"`, span)

function parseMatcher(tokens: Tokens, name: string, token: Token): LabelMatcher {
  const op = tokens.peek
  if (op.kind !== 'symbol' || !OPERATORS.has(op.text))
    throw tokens.unexpected(`in ${WHERE}`, '"=", "!=", "=~" or "!~"')
  tokens.next()
  if (tokens.peek.kind !== 'string') throw tokens.unexpected(`in ${WHERE}`, 'string')
  const matcher: LabelMatcher = { name, op: op.text as LabelMatcher['op'], value: tokens.string() }
  try {
    compileMatcher(matcher)
  } catch (error) {
    if (!(error instanceof CeleriacError)) throw error
    throw new PromqlSyntaxError(error.message, tokens.spanFrom(token), error.hint)
  }
  return matcher
}
