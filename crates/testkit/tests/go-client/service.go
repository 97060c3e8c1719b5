package main

import (
	"slices"

	"github.com/aiven/go-client-codegen/handler/project"
	"github.com/aiven/go-client-codegen/handler/service"
)

var platformSteps = []step{
	{"project list", func(s *site) error {
		out, err := s.client.ProjectList(s.ctx)
		if err != nil {
			return err
		}
		has := func(it project.ProjectOut) bool { return it.ProjectName == s.project }
		return expect(slices.ContainsFunc(out.Projects, has), "%s is not in %v", s.project, out.Projects)
	}},
	{"project get", func(s *site) error {
		out, err := s.client.ProjectGet(s.ctx, s.project)
		if err != nil {
			return err
		}
		return expect(out.ProjectName == s.project && out.DefaultCloud != "", "%+v", out)
	}},
	{"project update with what it has", func(s *site) error {
		out, err := s.client.ProjectUpdate(s.ctx, s.project, &project.ProjectUpdateIn{ProjectName: &s.project})
		if err != nil {
			return err
		}
		return expect(out.ProjectName == s.project, "%+v", out)
	}},
	{"project alerts", func(s *site) error {
		out, err := s.client.ProjectAlertsList(s.ctx, s.project)
		if err != nil {
			return err
		}
		return expect(out != nil && len(out) == 0, "%+v", out)
	}},
	{"events", func(s *site) error {
		out, err := s.client.ProjectGetEventLogs(s.ctx, s.project)
		if err != nil {
			return err
		}
		return expect(len(out) > 0 && out[0].EventType != "", "%+v", out)
	}},
	{"service types", func(s *site) error {
		out, err := s.client.ProjectServiceTypesGet(s.ctx, s.project, "kafka")
		if err != nil {
			return err
		}
		return expect(len(out.UserConfigSchema) > 0, "no schema")
	}},
	{"service versions", func(s *site) error {
		out, err := s.client.ListServiceVersions(s.ctx)
		if err != nil {
			return err
		}
		kafka := func(it service.ServiceVersionOut) bool {
			return *it.ServiceType == "kafka" && it.State == service.ServiceVersionStateTypeAvailable
		}
		return expect(slices.ContainsFunc(out, kafka), "%+v", out)
	}},
	{"user info", func(s *site) error {
		out, err := s.client.UserInfo(s.ctx)
		if err != nil {
			return err
		}
		return expect(out.User != "", "%+v", out)
	}},
}

var serviceSteps = []step{
	{"service list", func(s *site) error {
		out, err := s.client.ServiceList(s.ctx, s.project)
		if err != nil {
			return err
		}
		has := func(it service.ServiceOut) bool { return it.ServiceName == s.service }
		return expect(slices.ContainsFunc(out, has), "%s is not in %+v", s.service, out)
	}},
	{"service get", func(s *site) error {
		out, err := s.client.ServiceGet(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		good := out.State == service.ServiceStateTypeRunning && out.ServiceType == "kafka" &&
			out.ServiceUri != "" && !out.CreateTime.IsZero() && len(out.NodeStates) == 3 &&
			len(out.ConnectionInfo.Kafka) == 3 && len(out.GroupList) == 1 && out.Maintenance != nil
		return expect(good, "%+v", out)
	}},
	{"service components", func(s *site) error {
		out, err := s.client.ServiceGet(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		sasl := func(it service.ComponentOut) bool {
			return it.Component == "kafka" && it.Port > 0 &&
				it.KafkaAuthenticationMethod == service.KafkaAuthenticationMethodTypeSasl
		}
		return expect(slices.ContainsFunc(out.Components, sasl), "%+v", out.Components)
	}},
	{"service update that changes nothing", func(s *site) error {
		before, err := s.client.ServiceGet(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		empty := map[string]any{}
		in := &service.ServiceUpdateIn{Plan: &before.Plan, UserConfig: &empty}
		after, err := s.client.ServiceUpdate(s.ctx, s.project, s.service, in)
		if err != nil {
			return err
		}
		same := after.State == service.ServiceStateTypeRunning && after.UpdateTime.Equal(before.UpdateTime)
		return expect(same, "%s %s, before %s", after.State, after.UpdateTime, before.UpdateTime)
	}},
	{"termination protection on and off", func(s *site) error {
		for _, on := range []bool{true, false} {
			in := &service.ServiceUpdateIn{TerminationProtection: &on}
			out, err := s.client.ServiceUpdate(s.ctx, s.project, s.service, in)
			if err != nil {
				return err
			}
			if err := expect(out.TerminationProtection == on, "%v", out.TerminationProtection); err != nil {
				return err
			}
		}
		return nil
	}},
	{"tags", func(s *site) error {
		before, err := s.client.ProjectServiceTagsList(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		in := &service.ProjectServiceTagsUpdateIn{Tags: map[string]string{"go-client": "yes"}}
		if err := s.client.ProjectServiceTagsUpdate(s.ctx, s.project, s.service, in); err != nil {
			return err
		}
		tags, err := s.client.ProjectServiceTagsList(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		if err := expect(tags["go-client"] == "yes", "%v", tags); err != nil {
			return err
		}
		all := &service.ProjectServiceTagsReplaceIn{Tags: before}
		return s.client.ProjectServiceTagsReplace(s.ctx, s.project, s.service, all)
	}},
	{"upgrade check", func(s *site) error {
		version := "4.3"
		in := &service.ServiceTaskCreateIn{TaskType: service.TaskTypeUpgradeCheck, TargetVersion: &version}
		made, err := s.client.ServiceTaskCreate(s.ctx, s.project, s.service, in)
		if err != nil {
			return err
		}
		task, err := s.client.ServiceTaskGet(s.ctx, s.project, s.service, made.TaskId)
		if err != nil {
			return err
		}
		return expect(task.Success && task.Result != "" && !task.CreateTime.IsZero(), "%+v", task)
	}},
	{"metrics, alerts, backups", func(s *site) error {
		metrics, err := s.client.ServiceMetricsFetch(s.ctx, s.project, s.service,
			&service.ServiceMetricsFetchIn{Period: service.PeriodTypeHour})
		if err != nil {
			return err
		}
		alerts, err := s.client.ServiceAlertsList(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		backups, err := s.client.ServiceBackupsGet(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		good := metrics["cpu_usage"] != nil && alerts != nil && len(alerts) == 0 && backups.Backups != nil
		return expect(good, "%v %v %v", metrics, alerts, backups)
	}},
	{"logs", func(s *site) error {
		limit := 5
		in := &service.ProjectGetServiceLogsIn{Limit: &limit, SortOrder: service.SortOrderTypeDesc}
		out, err := s.client.ProjectGetServiceLogs(s.ctx, s.project, s.service, in)
		if err != nil {
			return err
		}
		return expect(len(out.Logs) > 0 && len(out.Logs) <= limit && out.Logs[0].Msg != "", "%+v", out)
	}},
	{"maintenance start", func(s *site) error {
		return s.client.ServiceMaintenanceStart(s.ctx, s.project, s.service)
	}},
}
