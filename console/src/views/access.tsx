// SPDX-License-Identifier: Apache-2.0
import { Accounts } from "../components/accounts";
import { ApiTokens } from "../components/api_tokens";
import { Page } from "../components/page";
import { useSession } from "../hooks/session";
import { refusal } from "../logic/roles";
import { Notice } from "../ui/notice";

export function AccessView() {
  const refused = refusal(useSession()?.role ?? "viewer", "admin");
  return (
    <Page title="Access" about="who may use this console and the API">
      {refused ? (
        <Notice>{refused}</Notice>
      ) : (
        <>
          <Accounts />
          <ApiTokens />
        </>
      )}
    </Page>
  );
}
