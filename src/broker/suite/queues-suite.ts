import { expect, test } from 'vitest'
import { task, type Suite } from './stage.case.ts'

/** Queues and tasks: depth, order, and which queues there are. */
export function queuesSuite({ traits, withWorld }: Suite): void {
  test('the depth of a queue counts every priority, and a known queue without messages is 0', () =>
    withWorld(async ({ broker, link }) => {
      for (const priority of [0, 3, 4, 6, 9, 9])
        await link.publishTask('reports', task(`p${priority}`), priority)
      await link.publishTask('other', task('o'))
      await link.declareQueue('empty')
      expect(await broker.readQueues(['reports', 'never declared', 'empty', 'other'])).toMatchObject([
        { queue: 'reports', depth: 6 },
        ...(traits.unknownQueueIs === 'empty' ? [{ queue: 'never declared', depth: 0 }] : []),
        { queue: 'empty', depth: 0 },
        { queue: 'other', depth: 1 },
      ])
      expect(await broker.readQueues([])).toEqual([])
    }))

  test('the oldest and the youngest message of each list are told by their ids, most urgent list first', () =>
    withWorld(async ({ broker, link }) => {
      for (const [id, priority] of [
        ['late', 9],
        ['first', 0],
        ['second', 0],
        ['third', 1],
        ['middle', 5],
      ] as const)
        await link.publishTask('q', task(id), priority)
      if (!traits.peeks) {
        expect(await broker.readQueues(['q'])).toMatchObject([{ depth: 5, heads: null, newest: null }])
        return
      }
      const read = async () => (await broker.readQueues(['q', 'empty']))[0]
      expect(await read()).toMatchObject({
        depth: 5,
        heads: ['first', 'middle', 'late'],
        newest: ['third', 'middle', 'late'],
      })
      await link.takeTask(['q'])
      expect(await read()).toMatchObject({ depth: 4, heads: ['second', 'middle', 'late'] })
      expect((await broker.readQueues(['empty']))[0]).toMatchObject({ heads: [], newest: [], unacked: 0 })
    }))

  test('a worker takes the most urgent first, and of equals the oldest', () =>
    withWorld(async ({ link }) => {
      const urgency = traits.mostUrgent === 'lowest' ? [0, 5, 9] : [9, 5, 0]
      for (const [id, step] of [
        ['late', 2],
        ['first', 0],
        ['second', 0],
        ['middle', 1],
      ] as const)
        await link.publishTask('q', task(id), urgency[step])
      await link.publishTask('r', task('urgent of another queue'), urgency[0])
      const ids: unknown[] = []
      for (let taken = await link.takeTask(['q', 'r']); taken; taken = await link.takeTask(['q', 'r']))
        ids.push(taken.task.headers['id'])
      expect(ids).toEqual(
        traits.mostUrgent === 'lowest'
          ? ['first', 'second', 'urgent of another queue', 'middle', 'late']
          : ['first', 'second', 'middle', 'late', 'urgent of another queue'],
      )
    }))

  test('a task comes out as it went in', () =>
    withWorld(async ({ link }) => {
      await link.publishTask('q', task('x'))
      const taken = await link.takeTask(['q'])
      expect(taken?.queue).toBe('q')
      expect(taken?.task.headers).toEqual(task('x').headers)
      expect(taken?.task.body).toEqual(task('x').body)
    }))

  test('declared queues are discovered, in every exchange of tasks', () =>
    withWorld(async ({ broker, link }) => {
      expect(await broker.discoverQueues()).toEqual([])
      for (const queue of ['reports', 'celery', 'emails', 'celery']) await link.declareQueue(queue)
      expect(await broker.discoverQueues()).toEqual(['celery', 'emails', 'reports'])
    }))
}
