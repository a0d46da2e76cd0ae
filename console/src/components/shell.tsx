// SPDX-License-Identifier: Apache-2.0
// What is around every view: navigation, who is signed in, theme, keys.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { sentence } from "../api";
import { navigate, usePlace } from "../hooks/router";
import { logOut } from "../hooks/session";
import { useShortcuts } from "../hooks/shortcuts";
import { setTheme, useTheme, type Theme } from "../hooks/theme";
import { say } from "../hooks/toast";
import { GROUPS, NAVIGATION } from "../routes";
import type { Session } from "../types";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { Help } from "./help";
import { Link } from "./link";
import { PasswordDialog } from "./password";

const NEXT_THEME: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const THEME_ICON = { system: "auto", light: "sun", dark: "moon" } as const;

export function ThemeButton() {
  const theme = useTheme();
  return (
    <Button
      icon={THEME_ICON[theme]}
      kind="quiet"
      label={`Theme: ${theme === "system" ? "the system's" : theme}. Change it`}
      onClick={() => setTheme(NEXT_THEME[theme])}
    />
  );
}

function Navigation({ path, onFollow }: { path: string; onFollow: () => void }) {
  return (
    <nav aria-label="Views">
      {GROUPS.map((group) => (
        <div key={group} class="nav-group">
          <h2>{group}</h2>
          <ul>
            {NAVIGATION.filter((route) => route.group === group).map((route) => (
              <li key={route.path}>
                <Link to={route.path} current={path === route.path} onFollow={onFollow}>
                  <Icon name={route.icon} />
                  {route.title}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function Account({ session, onPassword }: { session: Session; onPassword: () => void }) {
  return (
    <div class="account">
      <div class="account-name">
        <strong title={session.account}>{session.account}</strong>
        <span class="role">{session.role}</span>
      </div>
      <div class="account-actions">
        <Button size="small" onClick={onPassword}>
          {session.has_password ? "Password" : "Set a password"}
        </Button>
        <Button
          size="small"
          icon="leave"
          onClick={async () => {
            try {
              await logOut();
            } catch (error) {
              say("failed", sentence(error));
            }
          }}
        >
          Sign out
        </Button>
      </div>
    </div>
  );
}

export function Shell({ session, children }: { session: Session; children: ComponentChildren }) {
  const { path } = usePlace();
  const theme = useTheme();
  const [dialog, setDialog] = useState<"" | "help" | "password">("");
  const [drawer, setDrawer] = useState(false);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);

  useShortcuts({
    "?": () => setDialog("help"),
    t: () => setTheme(NEXT_THEME[theme]),
    "/": () => document.querySelector<HTMLElement>("main input[type=search]")?.focus(),
    ...Object.fromEntries(NAVIGATION.map((route) => [`g ${route.key}`, () => navigate(route.path)])),
  });
  useEffect(() => {
    setDrawer(false);
    // A new view begins at its heading, for eyes, keyboards and screen readers alike.
    if (!first.current) main.current?.querySelector<HTMLElement>("h1")?.focus();
    first.current = false;
  }, [path]);

  return (
    <div class={drawer ? "shell drawer-open" : "shell"}>
      <header class="chrome">
        <a
          class="skip"
          href="#main"
          onClick={(event) => {
            event.preventDefault();
            main.current?.focus();
          }}
        >
          Skip to the content
        </a>
      <div class="topbar">
        <Button icon={drawer ? "close" : "menu"} label="Navigation" kind="quiet" expanded={drawer} onClick={() => setDrawer(!drawer)} />
        <Brand />
      </div>
      <div class="sidebar">
        <Brand />
        <Navigation path={path} onFollow={() => setDrawer(false)} />
        <div class="sidebar-foot">
          <div class="tools">
            <ThemeButton />
            <Button icon="keyboard" kind="quiet" label="Keyboard shortcuts (?)" onClick={() => setDialog("help")} />
          </div>
          <Account session={session} onPassword={() => setDialog("password")} />
        </div>
      </div>
      </header>
      <main ref={main} id="main" tabIndex={-1}>
        {children}
      </main>
      {dialog === "help" && <Help onClose={() => setDialog("")} />}
      {dialog === "password" && <PasswordDialog session={session} onClose={() => setDialog("")} />}
    </div>
  );
}

export function Brand() {
  return (
    <span class="brand">
      <img src="/icon.svg" alt="" width="22" height="22" />
      Rustronaut
    </span>
  );
}
