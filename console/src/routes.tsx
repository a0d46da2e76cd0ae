// SPDX-License-Identifier: Apache-2.0
// Every view in one table: it drives the router, the navigation and the keys.
import type { ComponentType } from "preact";
import type { IconName } from "./ui/icon";
import { AccessView } from "./views/access";
import { DevicesView } from "./views/devices";
import { EventsView } from "./views/events";
import { FlowsView } from "./views/flows";
import { HomeView } from "./views/home";
import { HubsView } from "./views/hubs";
import { IdentitiesView } from "./views/identities";
import { MapView } from "./views/map";
import { PolicyView } from "./views/policy";
import { TokensView } from "./views/tokens";

export interface Route {
  path: string;
  title: string;
  group: (typeof GROUPS)[number];
  /** Goes there after "g". */
  key: string;
  icon: IconName;
  view: ComponentType;
}

export const GROUPS = ["Watch", "Manage", "Record"] as const;

export const NAVIGATION: readonly Route[] = [
  { path: "/", title: "Overview", group: "Watch", key: "o", icon: "home", view: HomeView },
  { path: "/flows", title: "Flows", group: "Watch", key: "f", icon: "flows", view: FlowsView },
  { path: "/map", title: "Map", group: "Watch", key: "m", icon: "map", view: MapView },
  { path: "/devices", title: "Devices", group: "Manage", key: "d", icon: "devices", view: DevicesView },
  { path: "/identities", title: "Identities", group: "Manage", key: "i", icon: "identities", view: IdentitiesView },
  { path: "/hubs", title: "Hubs", group: "Manage", key: "h", icon: "hubs", view: HubsView },
  { path: "/policy", title: "Policy", group: "Manage", key: "p", icon: "policy", view: PolicyView },
  { path: "/tokens", title: "Tokens", group: "Manage", key: "t", icon: "tokens", view: TokensView },
  { path: "/events", title: "Events", group: "Record", key: "e", icon: "events", view: EventsView },
  { path: "/access", title: "Access", group: "Record", key: "a", icon: "access", view: AccessView },
];
