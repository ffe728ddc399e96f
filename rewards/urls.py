from django.urls import path

from rewards import api, pages

api_urlpatterns = [
    path("rewards", api.RewardsView.as_view()),
    path("rewards/<str:week>", api.RewardView.as_view()),
    path("rewards/<str:week>/appeal", api.AppealView.as_view()),
]
page_urlpatterns = [
    path("rewards", pages.rewards),
    path("rewards/year/<int:year>", pages.statement),
    path("rewards/year/<int:year>/rewards.csv", pages.statement_csv),
    path("rewards/<str:week>", pages.week),
    path("rewards/<str:week>/appeal", pages.appeal),
]
