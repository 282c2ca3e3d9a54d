/** The columns of the list of runs: how they are sorted, and from which width on they stand. */

import type { RunOrder } from "../../api/types";
import type { Direction } from "../results/arrow";
import { NEWEST } from "./query";

export type ColumnId =
  | "state"
  | "name"
  | "flow"
  | "when"
  | "duration"
  | "parameters"
  | "tags"
  | "deployment";

export interface Column {
  id: ColumnId;
  title: string;
  /** Of the table. Narrower, what it says stands below the run's name. */
  from: number;
  width?: string;
  /** In which orders a click on its title puts the runs, one after the other. */
  orders: RunOrder[];
}

const SLIM = 520;
const MIDDLE = 720;
const WIDE = 940;

const COLUMNS: Column[] = [
  { id: "state", title: "State", from: 0, width: "138px", orders: [] },
  { id: "name", title: "Name", from: 0, orders: ["name"] },
  { id: "flow", title: "Flow", from: MIDDLE, width: "12.5%", orders: [] },
  { id: "when", title: "When", from: 0, width: "132px", orders: ["-created", "created"] },
  {
    id: "duration",
    title: "Duration",
    from: SLIM,
    width: "96px",
    orders: ["-duration", "duration"],
  },
  { id: "parameters", title: "Parameters", from: MIDDLE, width: "14%", orders: [] },
  { id: "tags", title: "Tags", from: WIDE, width: "12.5%", orders: [] },
  { id: "deployment", title: "Deployment", from: WIDE, width: "12%", orders: [] },
];

/** Those that stand at a width; 0: it is not known, all. */
export function columnsAt(width: number): Column[] {
  return width === 0 ? COLUMNS : COLUMNS.filter(({ from }) => width >= from);
}

/** The order after a click: the column's next, and after its last the newest first. */
export function nextOrder({ orders }: Column, order: RunOrder): RunOrder {
  return orders[orders.indexOf(order) + 1] ?? (order === NEWEST ? (orders[0] ?? NEWEST) : NEWEST);
}

export function directionOf({ orders }: Column, order: RunOrder): Direction {
  if (!orders.includes(order)) return "none";
  return order.startsWith("-") ? "descending" : "ascending";
}
