// What is used of Papa Parse: its own types want those of Node, and with them other timers for every page.
declare module "papaparse" {
  export interface Block {
    data: string[][];
  }
  export interface Reader {
    pause(): void;
    resume(): void;
  }
  export interface Reading {
    delimiter: string;
    /** Characters that are read at a time. */
    chunkSize?: number;
    chunk: (block: Block, reader: Reader) => void;
    complete: () => void;
  }
  const papa: { parse: (text: string, reading: Reading) => void };
  export default papa;
}
