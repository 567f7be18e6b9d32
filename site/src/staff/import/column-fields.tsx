// Which column is which field, and how dates are written: the guess, to be corrected.
import { t } from "../../messages/import";
import { sayDate, sayList } from "../../messages/language";
import { Choice } from "../../ui/form";
import { FIELDS, missing, type Columns, type Field } from "./columns";
import { readDate, type Order } from "./dates";
import type { Table } from "./table";

const ORDERS: readonly Order[] = ["dmy", "mdy", "ymd"];

interface Props {
  table: Table;
  columns: Columns;
  order: Order;
  onColumns: (columns: Columns) => void;
  onOrder: (order: Order) => void;
}

export function ColumnFields({ table, columns, order, onColumns, onOrder }: Props) {
  const lacks = missing(columns);
  /** The first that stands in a column. */
  const example = (column: number | undefined): string =>
    column === undefined ? "" : (table.rows.find(({ cells }) => cells[column])?.cells[column] ?? "");
  const born = example(columns.dateOfBirth);

  const choose = (field: Field, value: string): void => {
    const { [field]: _, ...others } = columns;
    onColumns(value === "" ? others : { ...others, [field]: Number(value) });
  };

  return (
    <>
      <p class="hint">{t("columns.hint")}</p>
      <div class="matching">
        {FIELDS.map((field) => {
          const column = columns[field];
          const id = `column-${field}`;
          const stands = example(column);
          return (
            <div key={field} class="field">
              <label for={id}>{t(`field.${field}`)}</label>
              <select
                id={id}
                value={column ?? ""}
                aria-describedby={stands ? `${id}-example` : undefined}
                onChange={(event) => choose(field, event.currentTarget.value)}
              >
                <option value="">{t("columns.none")}</option>
                {table.columns.map((name, at) => (
                  <option key={at} value={at}>
                    {name || `${at + 1}`}
                  </option>
                ))}
              </select>
              {stands && (
                <p class="hint breaks" id={`${id}-example`}>
                  {t("columns.example", { example: stands.slice(0, 60) })}
                </p>
              )}
            </div>
          );
        })}
      </div>
      {lacks.length > 0 && (
        <p class="error" aria-live="polite">
          {t("columns.missing", { fields: sayList(lacks.map((field) => t(`field.${field}`))) })}
        </p>
      )}
      {born && (
        <fieldset class="field">
          <legend>{t("order.legend")}</legend>
          {ORDERS.map((each) => {
            const read = readDate(born, each);
            const hint =
              "date" in read ? t("order.read", { written: born, date: sayDate(read.date) }) : t("order.not", { written: born });
            return (
              <Choice
                key={each}
                type="radio"
                name="order"
                label={t(`order.${each}`)}
                hint={hint}
                checked={order === each}
                onChange={() => onOrder(each)}
              />
            );
          })}
        </fieldset>
      )}
    </>
  );
}
