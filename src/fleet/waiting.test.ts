import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TaskRecord } from './task-record.ts'
import { EtaHeap, Line } from './waiting.ts'

test('tasks come out of the heap in the order of their times, whichever left before', () => {
  const move = fc.oneof(
    fc.record({ do: fc.constant('add' as const), atMs: fc.nat(100) }),
    fc.record({ do: fc.constant('remove' as const), which: fc.nat(100) }),
    fc.record({ do: fc.constant('take' as const), nowMs: fc.nat(100) }),
  )
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80 }), moves => {
      const heap = new EtaHeap<TaskRecord>()
      let model: TaskRecord[] = []
      const least = () => model.reduce((min, task) => Math.min(min, task.waitingSinceMs), Infinity)
      for (const one of moves) {
        if (one.do === 'add') {
          const task = new TaskRecord('x')
          task.waitingSinceMs = one.atMs
          heap.add(task)
          model.push(task)
        } else {
          const gone =
            one.do === 'take' ? heap.takeDue(one.nowMs) : model[one.which % Math.max(1, model.length)]
          const due = one.do === 'take' && least() <= one.nowMs ? least() : undefined
          expect(one.do === 'take' ? gone?.waitingSinceMs : due).toBe(due)
          if (one.do === 'remove' && gone !== undefined) heap.remove(gone)
          model = model.filter(task => task !== gone)
        }
        expect(heap.size).toBe(model.length)
      }
      while (model.length > 0) {
        const expected = least()
        const task = heap.takeDue(Infinity)
        expect(task?.waitingSinceMs).toBe(expected)
        expect(task?.heapIndex).toBe(-1)
        model = model.filter(other => other !== task)
      }
    }),
  )
})

test('a line keeps its order whoever leaves', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(19)), (count, leaving) => {
      const line = new Line<TaskRecord>()
      let model = Array.from({ length: count }, (_, i) => new TaskRecord(String(i)))
      for (const task of model) line.join(task)
      for (const which of leaving) {
        const gone = model[which]
        if (gone === undefined) continue
        line.leave(gone)
        model = model.filter(task => task !== gone)
      }
      const found: string[] = []
      for (let task = line.first; task !== undefined; task = task.after) found.push(task.uuid)
      expect(found).toEqual(model.map(task => task.uuid))
      expect(line.size).toBe(model.length)
    }),
  )
})
