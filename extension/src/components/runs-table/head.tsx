/** The titles of the columns; those with an order sort by a click. */

import type { RunOrder } from "../../api/types";
import { Arrow } from "../results/arrow";
import { type Column, directionOf, nextOrder } from "./columns";

interface Props {
  columns: Column[];
  order: RunOrder;
  onOrder: (order: RunOrder) => void;
}

export function Head({ columns, order, onOrder }: Props) {
  return (
    <thead>
      <tr>
        {columns.map((column) => (
          <Title key={column.id} column={column} order={order} onOrder={onOrder} />
        ))}
      </tr>
    </thead>
  );
}

function Title({ column, order, onOrder }: Omit<Props, "columns"> & { column: Column }) {
  const style = column.id === "duration" ? "nbf-number" : "";
  if (column.orders.length === 0)
    return (
      <th scope="col" className={style}>
        {column.title}
      </th>
    );
  const direction = directionOf(column, order);
  return (
    <th scope="col" className={style} aria-sort={direction}>
      <button type="button" className="nbf-sort" onClick={() => onOrder(nextOrder(column, order))}>
        <span>{column.title}</span>
        <Arrow direction={direction} />
      </button>
    </th>
  );
}
