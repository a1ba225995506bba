import { expect, test } from 'vitest'

import { Newest } from './newest'

/** A question that is answered when it is told to be. */
function later<T>() {
  let answer!: (value: T) => void
  let fail!: (error: Error) => void
  const promise = new Promise<T>((resolve, reject) => ([answer, fail] = [resolve, reject]))
  return { question: () => promise, answer, fail }
}

test('an older answer that comes last counts no more', async () => {
  const [newest, older, newer] = [new Newest(), later<string>(), later<string>()]
  const [first, second] = [newest.of(older.question), newest.of(newer.question)]
  newer.answer('newer')
  expect(await second).toBe('newer')
  older.answer('older')
  expect(await first).toBeNull()
})

test('what went wrong is told of the newest alone', async () => {
  const [newest, older, newer] = [new Newest(), later<string>(), later<string>()]
  const [first, second] = [newest.of(older.question), newest.of(newer.question)]
  older.fail(new Error('older'))
  expect(await first).toBeNull()
  newer.fail(new Error('newer'))
  await expect(second).rejects.toThrow('newer')
})

test('what is dropped is not answered', async () => {
  const [newest, one] = [new Newest(), later<string>()]
  const answered = newest.of(one.question)
  newest.drop()
  one.answer('one')
  expect(await answered).toBeNull()
})
