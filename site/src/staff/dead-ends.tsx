// Where an address leads nowhere: nothing is there, or not for one's role.
import { h, type ComponentType } from "preact";
import { t } from "../messages/staff";
import { Heading } from "../ui/heading";
import { isAdmin, isAuditor, mayChange } from "./session";

export const NotFound = () => <DeadEnd page="notFound" />;

function DeadEnd({ page }: { page: "notFound" | "forbidden" | "adminsOnly" | "auditorsOnly" }) {
  const title = t(`${page}.title`);
  return (
    <div class="page">
      <Heading title={title}>{title}</Heading>
      <p>{t(page === "auditorsOnly" ? "adminsOnly.lead" : `${page}.lead`)}</p>
      <p>
        <a href="/">{t("notFound.home")}</a>
      </p>
    </div>
  );
}

/** A page that changes something, for those who may. */
export const forEditors =
  <P extends object>(Page: ComponentType<P>): ComponentType<P> =>
  (props: P) =>
    mayChange.value ? h(Page, props) : <DeadEnd page="forbidden" />;

/** A page about the practice itself, for admins. */
export const forAdmins =
  <P extends object>(Page: ComponentType<P>): ComponentType<P> =>
  (props: P) =>
    isAdmin.value ? h(Page, props) : <DeadEnd page="adminsOnly" />;

/** A page that shows what everybody did, for admins and auditors. */
export const forAuditors =
  <P extends object>(Page: ComponentType<P>): ComponentType<P> =>
  (props: P) =>
    isAdmin.value || isAuditor.value ? h(Page, props) : <DeadEnd page="auditorsOnly" />;
