/** Questions that are asked while others are under way: the newest one's answer alone counts. */
export class Newest {
  private count = 0

  /** What is answered; null, whether it went well or not, where something newer came meanwhile. */
  async of<T>(question: () => Promise<T>): Promise<T | null> {
    const own = ++this.count
    try {
      const found = await question()
      return own === this.count ? found : null
    } catch (error) {
      if (own !== this.count) return null
      throw error
    }
  }

  /** What is under way is wanted no more. */
  drop(): void {
    this.count++
  }
}
