// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, sentence } from "../api";
import { KIND_WORDS } from "../components/device_row";
import { Link } from "../components/link";
import { Page } from "../components/page";
import { TokenDialog } from "../components/token_dialog";
import { useNow } from "../hooks/media";
import { useResource } from "../hooks/resource";
import { useSession } from "../hooks/session";
import { say } from "../hooks/toast";
import { moment, plural, relative } from "../logic/format";
import { may, refusal } from "../logic/roles";
import type { TokenInfo } from "../types";
import { Button } from "../ui/button";
import { Empty, Failure, Loading, Notice } from "../ui/notice";
import { ACTIONS, Table } from "../ui/table";

export function tokenState(token: TokenInfo, now: number): string {
  if (token.used) return "used";
  return Date.parse(token.expires) <= now ? "expired" : "open";
}

function Rows({ tokens, now, onChange }: { tokens: readonly TokenInfo[]; now: number; onChange: () => Promise<void> }) {
  const withdraw = async (token: TokenInfo) => {
    try {
      await api.deleteToken(token.id);
      say("done", `Token ${token.id} is gone; nobody can join with it.`);
    } catch (error) {
      say("failed", sentence(error));
    }
    await onChange();
  };
  return (
    <Table label="Tokens" heads={["For", "Owner", "Hub", "Tags", "State", "Token's id", ACTIONS]}>
      {tokens.map((token) => {
        const state = tokenState(token, now);
        return (
          <tr key={token.id} class={state === "open" ? undefined : "past"}>
            <th scope="row">
              {token.name ?? "any name"}
              <span class="device-kind">{token.hub_type ? `${token.hub_type} hub` : KIND_WORDS[token.client_type ?? ""]}</span>
            </th>
            <td>{token.owner ?? "nobody"}</td>
            <td>{token.hub ?? "–"}</td>
            <td>{token.tags.length ? token.tags.join(", ") : "–"}</td>
            <td title={moment(token.used ?? token.expires)}>
              {state === "used" ? (
                <>
                  used {relative(token.used, now)}
                  {token.device && (
                    <>
                      {" by "}
                      <Link to={`/devices?open=${encodeURIComponent(token.device)}`}>{token.device}</Link>
                    </>
                  )}
                </>
              ) : state === "open" ? (
                `open, expires ${relative(token.expires, now)}`
              ) : (
                `expired ${relative(token.expires, now)}`
              )}
            </td>
            <td>
              <code>{token.id}</code>
            </td>
            <td class="number">
              <Button size="small" icon="trash" kind="quiet" label={`Delete token ${token.id}`} onClick={() => withdraw(token)} />
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

function TokenList() {
  const { data: tokens, error, reload } = useResource((signal) => api.tokens(signal), 5);
  const now = useNow();
  const [creating, setCreating] = useState(false);
  return (
    <Page
      title="Tokens"
      about={tokens && plural(tokens.filter((token) => tokenState(token, now) === "open").length, "open token")}
      actions={
        <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
          New token
        </Button>
      }
    >
      <p class="hint">A token lets one device or hub join, once. Give it to the device by a way you trust.</p>
      {error && <Failure error={error} retry={reload} />}
      {tokens ? tokens.length ? <Rows tokens={tokens} now={now} onChange={reload} /> : <Empty title="No tokens">Create one to let the first device join.</Empty> : !error && <Loading what="tokens" />}
      {creating && (
        <TokenDialog
          onClose={() => {
            setCreating(false);
            void reload();
          }}
        />
      )}
    </Page>
  );
}

export function TokensView() {
  const role = useSession()?.role ?? "viewer";
  if (may(role, "operator")) return <TokenList />;
  return (
    <Page title="Tokens">
      <Notice>{refusal(role, "operator")}</Notice>
    </Page>
  );
}
