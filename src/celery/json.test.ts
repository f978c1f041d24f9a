import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parsePythonJson, writePythonJson } from './json.ts'

test('JSON is read and written without loss, in ASCII only', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), value => {
      const text = writePythonJson(value)
      expect(text).toMatch(/^[\x20-\x7e]*$/)
      expect(parsePythonJson(text)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('it reads as Python writes it', () => {
  // json.dumps({"a": [1, 2.5, None, True], "ü\x7f": "x\"\\\n😀"})
  expect(writePythonJson({ a: [1, 2.5, null, true], 'ü\u007f': 'x"\\\n😀', left: undefined })).toBe(
    String.raw`{"a": [1, 2.5, null, true], "\u00fc\u007f": "x\"\\\n\ud83d\ude00"}`,
  )
  expect(writePythonJson([NaN, Infinity, -Infinity])).toBe('[NaN, Infinity, -Infinity]')
})

test('bare NaN and Infinity are read, and left alone inside strings', () => {
  expect(parsePythonJson(String.raw`[NaN, Infinity, -Infinity, "NaN", "a\"NaN\\", NaN, "Infinity"]`)).toEqual(
    [null, Infinity, -Infinity, 'NaN', 'a"NaN\\', null, 'Infinity'],
  )
  for (const broken of ['NaN NaN', '["NaN', 'xNaN', '{NaN: 1}', '"\\NaN'])
    expect(() => parsePythonJson(broken)).toThrow(SyntaxError)
})

test('strings around bare numbers survive, whatever they hold', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('NaN', '\\', '"NaN"', '-Infinity'))),
      texts => {
        const written = writePythonJson([...texts.flatMap(text => [text, NaN]), NaN])
        expect(parsePythonJson(written)).toEqual([...texts.flatMap(text => [text, null]), null])
      },
    ),
  )
})
