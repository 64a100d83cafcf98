"""Who somebody is: log-ins, tokens, sessions, pauses, address ranges, roles."""

from datetime import timedelta
from typing import Any

import jwt
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import auth
from core.clock import real_now
from core.db import SessionFactory
from core.models import AuditEntry, LoginFailure, LoginSession, PostRole, User
from core.rights import ROLE_SEEDS, Operation
from core.settings import Settings
from tests.conftest import PASSWORD, LogIn


def post_login(client: TestClient, username: str, password: str = PASSWORD) -> Any:
    return client.post("/api/login", json={"username": username, "password": password})


def add(session: Session, role: str = "agent", username: str = "wang") -> User:
    user = auth.add_user(session, username=username, password=PASSWORD, role=role)
    session.flush()
    return user


def test_passwords_are_kept_as_argon2(session: Session) -> None:
    assert add(session).password_hash.startswith("$argon2id$")


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(
    session: Session, client: TestClient
) -> None:
    add(session)
    wrong, unknown = post_login(client, "wang", "wrong"), post_login(client, "nobody", "wrong")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json() == unknown.json()
    assert wrong.headers["content-type"] == "application/problem+json"


def test_failed_log_ins_are_counted_and_then_refused_even_with_the_right_password(
    committing_client: TestClient, factory: SessionFactory
) -> None:
    with factory() as session, session.begin():
        add(session)
    settings: Settings = committing_client.app.state.settings  # type: ignore[attr-defined]  # typed as a bare ASGI callable
    for _ in range(settings.login_failures_max):
        assert post_login(committing_client, "wang", "wrong").status_code == 401
    answer = post_login(committing_client, "wang")
    assert (answer.status_code, answer.json()["type"]) == (429, "/problems/login-paused")
    with factory() as session, session.begin():
        for failure in session.scalars(select(LoginFailure)):
            failure.at = real_now() - timedelta(minutes=settings.login_pause_minutes + 1)
    assert post_login(committing_client, "wang").status_code == 200


def test_an_expired_a_forged_and_a_foreign_token_are_refused(
    session: Session, client: TestClient, log_in: LogIn
) -> None:
    good = log_in("agent")["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(good, options={"verify_signature": False})
    secret = "a secret of the tests that is long enough for HS256"
    expired = jwt.encode(claims | {"exp": 1}, secret, algorithm="HS256")
    forged = jwt.encode(claims, "another secret, as long as the true one is", algorithm="HS256")
    unsigned = jwt.encode(claims, None, algorithm="none")
    odd = jwt.encode(claims | {"sid": "../.."}, secret, algorithm="HS256")
    for token in (expired, forged, unsigned, odd, "nonsense", ""):
        answer = client.get("/api/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, token
    assert client.get("/api/me", headers={"Authorization": f"Bearer {good}"}).status_code == 200


def test_a_revoked_session_ends_at_once(session: Session, client: TestClient, log_in: LogIn) -> None:
    agent, administrator = log_in("agent"), log_in("administrator")
    sessions = client.get("/api/sessions", headers=administrator).json()["items"]
    agents = next(s["id"] for s in sessions if s["username"].startswith("agent-"))
    assert client.delete(f"/api/sessions/{agents}", headers=administrator).status_code == 204
    assert client.get("/api/me", headers=agent).status_code == 401
    deeds = client.get("/api/audit", params={"action": "session.revoke"}, headers=administrator).json()[
        "items"
    ]
    assert [deed["subject_id"] for deed in deeds] == [agents]
    assert deeds[0]["username"].startswith("administrator-")


def test_cookies_carry_a_page_and_another_site_cannot_use_them(session: Session, client: TestClient) -> None:
    add(session)
    answer = post_login(client, "wang")
    cookies = answer.headers.get_list("set-cookie")
    assert all("HttpOnly" in cookie and "SameSite=strict" in cookie for cookie in cookies)
    assert client.get("/api/me").status_code == 200
    change = {"json": {"language": "en"}}
    assert client.patch("/api/me", headers={"Sec-Fetch-Site": "cross-site"}, **change).status_code == 401
    assert (
        client.patch("/api/me", headers={"Sec-Fetch-Site": "same-origin"}, **change).json()["language"]
        == "en"
    )
    assert client.post("/api/login/refresh").status_code == 200
    assert client.post("/api/logout").status_code == 204
    assert client.get("/api/me").status_code == 401


def test_a_disabled_user_is_out(session: Session, client: TestClient, log_in: LogIn) -> None:
    agent = log_in("agent")
    session.scalars(select(User)).one().disabled_at = real_now()
    session.flush()
    assert client.get("/api/me", headers=agent).status_code == 401


def test_a_group_works_only_from_its_own_addresses(session: Session, client: TestClient) -> None:
    user = add(session)
    user.role.group.networks = ["10.1.0.0/16"]
    session.flush()
    login = LoginSession(
        user_id=user.id,
        refresh_hash="0" * 64,
        client_address="10.1.2.3",
        user_agent="",
        created_at=real_now(),
        expires_at=real_now() + timedelta(hours=1),
    )
    session.add(login)
    session.flush()
    settings: Settings = client.app.state.settings  # type: ignore[attr-defined]  # TestClient types its app as a bare ASGI callable
    token = auth._tokens(settings, login, "x").access_token
    inside = auth.authenticate(session, settings, token=token, client_address="10.1.200.9")
    assert inside.username == "wang"
    for outside in ("10.2.0.1", None):
        try:
            auth.authenticate(session, settings, token=token, client_address=outside)
        except auth.AddressNotAllowed:
            continue
        raise AssertionError(outside)


def test_a_role_does_only_what_its_group_reaches() -> None:
    operations = auth.effective_operations(["reports.take", "users.manage"], ["hotline"])
    assert operations == {"reports.take", "profile.own"}


def test_seed_roles_stand_in_their_groups_and_name_real_operations(session: Session) -> None:
    roles = {role.name: role for role in session.scalars(select(PostRole))}
    assert set(roles) == {seed.role for seed in ROLE_SEEDS}
    for role in roles.values():
        assert set(role.operations) <= set(map(str, Operation))
        reached = auth.effective_operations(role.operations, role.group.functions)
        assert reached == frozenset(role.operations) | {"profile.own"}, role.name


def test_an_administrator_changes_people_roles_and_groups_but_never_shuts_everybody_out(
    session: Session, client: TestClient, log_in: LogIn
) -> None:
    administrator = log_in("administrator")
    agent = log_in("agent")
    roles = {role["name"]: role for role in client.get("/api/roles", headers=administrator).json()["items"]}
    change = {"operations": ["reports.read"], "fields": []}
    answer = client.put(f"/api/roles/{roles['agent']['id']}", json=change, headers=administrator)
    assert answer.json()["operations"] == ["profile.own", "reports.read"]
    assert client.get("/api/me", headers=agent).json()["operations"] == ["profile.own", "reports.read"]
    group = roles["agent"]["group"]["id"]
    networks = {"functions": ["hotline"], "networks": ["10.0.0.0/8"]}
    assert client.put(f"/api/groups/{group}", json=networks, headers=administrator).status_code == 200
    assert client.get("/api/me", headers=agent).json()["type"] == "/problems/address-not-allowed"
    users = client.get("/api/users", headers=administrator).json()["items"]
    me = next(user["id"] for user in users if user["username"].startswith("administrator"))
    answer = client.patch(f"/api/users/{me}", json={"is_disabled": True}, headers=administrator)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/last-administrator")
    assert client.get("/api/me", headers=administrator).status_code == 200


def test_a_log_in_is_written_down_and_an_area_must_be_one(client: TestClient, log_in: LogIn) -> None:
    administrator = log_in("administrator")
    deeds = client.get("/api/audit", params={"action": "session.begin"}, headers=administrator).json()[
        "items"
    ]
    assert deeds[0]["username"].startswith("administrator-")
    body = {"username": "li", "display_name": "Li", "password": PASSWORD, "role": "agent"}
    crossed = [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]
    raised = [[[0, 0, 5], [1, 0, 5], [1, 1, 5], [0, 0, 5]]]
    for rings in (crossed, raised):
        area = {"type": "MultiPolygon", "coordinates": [rings]}
        assert client.post("/api/users", json=body | {"area": area}, headers=administrator).status_code == 422
    area = {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]}
    answer = client.post("/api/users", json=body | {"area": area}, headers=administrator)
    assert (answer.status_code, answer.json()["has_area"]) == (201, True)


def test_adding_a_user_is_written_down_without_the_password(
    session: Session, client: TestClient, log_in: LogIn
) -> None:
    administrator = log_in("administrator")
    body = {"username": "li", "display_name": "李强", "password": PASSWORD, "role": "dispatcher"}
    assert client.post("/api/users", json=body, headers=administrator).status_code == 201
    assert client.post("/api/users", json=body, headers=administrator).status_code == 409
    assert (
        client.post(
            "/api/users", json=body | {"username": "x", "role": "king"}, headers=administrator
        ).status_code
        == 422
    )
    deed = session.scalars(select(AuditEntry).where(AuditEntry.action == "user.add")).one()
    assert PASSWORD not in deed.digest
    assert post_login(client, "li").status_code == 200
