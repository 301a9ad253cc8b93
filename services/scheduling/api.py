"""All routes of scheduling."""

from fastapi import APIRouter

from services.scheduling import api_attendance, api_bookings, api_groups, api_sessions, api_sites, api_staff

router = APIRouter(prefix="/v1")
for part in (api_sites, api_staff, api_groups, api_sessions, api_bookings, api_attendance):
    router.include_router(part.router)
