// SPDX-License-Identifier: Apache-2.0
import { useEffect, useErrorBoundary } from "preact/hooks";
import { Shell } from "./components/shell";
import { Toasts } from "./components/toasts";
import { usePlace } from "./hooks/router";
import { useSession } from "./hooks/session";
import { NAVIGATION } from "./routes";
import { Button } from "./ui/button";
import { Notice } from "./ui/notice";
import { LoginView } from "./views/login";
import { MissingView } from "./views/missing";

function View({ path }: { path: string }) {
  const [error, reset] = useErrorBoundary();
  const route = NAVIGATION.find((entry) => entry.path === path);
  if (error) {
    return (
      <Notice kind="bad" action={<Button onClick={reset}>Try again</Button>}>
        This view met an error of its own: {String((error as Error).message ?? error)}
      </Notice>
    );
  }
  return route ? <route.view /> : <MissingView />;
}

export function App() {
  const session = useSession();
  const { path } = usePlace();
  const title = NAVIGATION.find((route) => route.path === path)?.title ?? (path === "/login" ? "Sign in" : "Not found");
  useEffect(() => {
    document.title = `${title} · Rustronaut`;
  }, [title]);
  return (
    <>
      {path === "/login" || session === null ? (
        <LoginView />
      ) : session === undefined ? (
        <p class="starting" role="status">
          Starting…
        </p>
      ) : (
        <Shell session={session}>
          <View key={path} path={path} />
        </Shell>
      )}
      <Toasts />
    </>
  );
}
