// SPDX-License-Identifier: Apache-2.0
import { Component, type ComponentChildren } from "preact";
import { Cell, type Column } from "./grid";

/** A column that knows what it shows of a row. */
export interface ColumnOf<Row> extends Column {
  cell: (row: Row) => ComponentChildren;
  hint?: (row: Row) => string | undefined;
}

interface CellsProps<Row> {
  columns: readonly ColumnOf<Row>[];
  row: Row;
}

/** Of a row that never changes: its cells are drawn once. */
export class Cells<Row> extends Component<CellsProps<Row>> {
  override shouldComponentUpdate(next: CellsProps<Row>): boolean {
    return next.row !== this.props.row;
  }

  override render() {
    const { columns, row } = this.props;
    return columns.map((column) => (
      <Cell key={column.key} name={column.key} title={column.hint?.(row)}>
        {column.cell(row)}
      </Cell>
    ));
  }
}
