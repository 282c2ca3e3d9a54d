/** What anywidget gives: a widget's model, whose custom messages are the wire to the kernel. */

export interface Model {
  get(name: string): unknown;
  send(content: unknown): void;
  on(event: string, receive: (content: unknown) => void): void;
  off(event: string, receive: (content: unknown) => void): void;
}
