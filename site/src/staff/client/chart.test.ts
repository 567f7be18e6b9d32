import { expect, it } from "vitest";
import type { PortalUser, PortalUsers } from "../../api/staff";
import { Chart } from "./chart";

it("keeps the apps' names, which word of their progress does not have", () => {
  const chart = new Chart("client");
  const apps = [
    { appId: "harbor.messages", name: "Messages", state: "telling" },
    { appId: "harbor.bills", name: "Bills", state: "telling" },
  ];
  const [greta, other] = ["greta", "other"].map((portalUserId) => ({ portalUserId, apps }) as PortalUser);
  chart.users.set({ portalUsers: [greta, other] } as PortalUsers);
  chart.progressed("greta", {
    apps: [
      { appId: "harbor.bills", state: "failed" },
      { appId: "harbor.messages", state: "told" },
    ],
  });
  const shown = chart.user("greta");
  expect(shown?.apps).toEqual([
    { appId: "harbor.messages", name: "Messages", state: "told" },
    { appId: "harbor.bills", name: "Bills", state: "failed" },
  ]);
  expect(shown?.apps?.map((app) => chart.toldAt(shown, app) !== undefined)).toEqual([true, false]);
  expect(chart.user("other")?.apps).toEqual(apps);
});
