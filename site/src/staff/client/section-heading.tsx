import { useEffect, useMemo } from "preact/hooks";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { Heading } from "../../ui/heading";
import type { Chart } from "./chart";

/** A section's heading: names the document together with the client, and takes the focus unless the
 *  whole page is new, when the client's name has it. */
export function SectionHeading(props: { chart: Chart; title: string; hidden?: boolean }) {
  const { chart } = props;
  const arriving = useMemo(() => chart.fresh, []);
  useEffect(() => {
    chart.fresh = false;
  }, []);
  const client = chart.client.value;
  return (
    <Heading
      level={2}
      title={client ? t("page.title", { page: props.title, place: sayName(client.name) }) : props.title}
      hidden={props.hidden ?? false}
      takesFocus={!arriving}
    >
      {props.title}
    </Heading>
  );
}
