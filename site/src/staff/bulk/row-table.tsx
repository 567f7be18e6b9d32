// Whom a change in bulk concerns, and what becomes of each: some rows at a time.
import { useState } from "preact/hooks";
import type { BulkRow } from "../../api/bulk";
import { t } from "../../messages/bulk";
import { sayIfKnown } from "../../messages/language";
import { sayName } from "../../messages/name";
import { Button } from "../../ui/button";

const PAGE = 50;

export const sayWhyNot = (why: string): string => sayIfKnown(`why.${why}`) ?? why;

/** A row in words: client, record number, portal user, address. */
export const cellsOf = ({ client, portalUser, notFound }: BulkRow): string[] => [
  client ? sayName(client.name) : t("bulk.unknown", { id: notFound ?? "" }),
  client?.recordNumber ?? "",
  portalUser ? sayName(portalUser.name) : notFound && client ? t("bulk.unknown", { id: notFound }) : "",
  portalUser?.email ?? "",
];

export const heads = (): string[] => [
  t("bulk.client"),
  t("bulk.record"),
  t("bulk.user"),
  t("bulk.email"),
  t("bulk.outcome"),
];

/** `outcome` says what becomes of the row at a position. */
export function RowTable(props: { rows: readonly BulkRow[]; outcome: (row: BulkRow, at: number) => string }) {
  const { rows, outcome } = props;
  const [shown, show] = useState(PAGE);
  const table = rows.slice(0, shown).map((row, at) => [...cellsOf(row), outcome(row, at)]);
  /** Of clients who are to be invited, there is no portal user yet. */
  const isUsed = (_: string, column: number) => table.some((cells) => cells[column]);
  const columns = heads().filter(isUsed);
  return (
    <>
      <table class="users" role="table">
        <caption class="sr-only">{t("bulk.rows")}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column} role="columnheader">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.slice(0, shown).map((row, at) => {
            const [name, ...cells] = (table[at] ?? []).filter(isUsed);
            const link = row.client && `/clients/${row.client.clientId}/portal`;
            return (
              <tr key={at} role="row">
                <th role="rowheader" scope="row">
                  {link ? <a href={link}>{name}</a> : name}
                </th>
                {cells.map((cell, column) => (
                  <td key={column} role="cell" class="figures breaks">
                    {cell && <span class="cell-label">{columns[column + 1]}</span>}
                    {cell}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length > shown && (
        <div class="more padded">
          <Button onClick={() => show(shown + PAGE)}>{t("bulk.more")}</Button>
        </div>
      )}
    </>
  );
}
