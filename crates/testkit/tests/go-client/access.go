package main

import (
	"slices"

	aiven "github.com/aiven/go-client-codegen"
	"github.com/aiven/go-client-codegen/handler/kafka"
	"github.com/aiven/go-client-codegen/handler/service"
)

// user is the service user that these steps make.
func user(s *site) string { return s.name("go-user") }

var accessSteps = []step{
	{"user create", func(s *site) error {
		out, err := s.client.ServiceUserCreate(s.ctx, s.project, s.service,
			&service.ServiceUserCreateIn{Username: user(s)})
		if err != nil {
			return err
		}
		return expect(out.Username == user(s) && out.Password != "" && out.Type == "normal", "%s", out.Type)
	}},
	{"user create again is already exists", func(s *site) error {
		_, err := s.client.ServiceUserCreate(s.ctx, s.project, s.service,
			&service.ServiceUserCreateIn{Username: user(s)})
		return expect(aiven.IsAlreadyExists(err), "%v", err)
	}},
	{"user reset", func(s *site) error {
		before, err := s.client.ServiceUserGet(s.ctx, s.project, s.service, user(s))
		if err != nil {
			return err
		}
		if _, err := s.client.ServiceUserCredentialsReset(s.ctx, s.project, s.service, user(s)); err != nil {
			return err
		}
		after, err := s.client.ServiceUserGet(s.ctx, s.project, s.service, user(s))
		if err != nil {
			return err
		}
		return expect(after.Password != "" && after.Password != before.Password, "the same password")
	}},
	{"user password", func(s *site) error {
		password := "correct-horse-battery"
		out, err := s.client.ServiceUserCredentialsModify(s.ctx, s.project, s.service, user(s),
			&service.ServiceUserCredentialsModifyIn{
				Operation:   service.ServiceUserCredentialsModifyOperationTypeResetCredentials,
				NewPassword: &password,
			})
		if err != nil {
			return err
		}
		// The provider looks the user up in the service.
		has := func(it service.UserOut) bool { return it.Username == user(s) && it.Password == password }
		return expect(slices.ContainsFunc(out.Users, has), "not among %d users", len(out.Users))
	}},
	{"ACL add, list, delete", func(s *site) error {
		in := &kafka.ServiceKafkaAclAddIn{Permission: kafka.PermissionTypeRead, Topic: "go-*", Username: user(s)}
		added, err := s.client.ServiceKafkaAclAdd(s.ctx, s.project, s.service, in)
		if err != nil {
			return err
		}
		// The provider finds the new entry from the end.
		last := added[len(added)-1]
		if err := expect(last.Username == user(s) && last.Id != "", "%+v", last); err != nil {
			return err
		}
		_, err = s.client.ServiceKafkaAclAdd(s.ctx, s.project, s.service, in)
		if err := expect(aiven.IsAlreadyExists(err), "%v", err); err != nil {
			return err
		}
		listed, err := s.client.ServiceKafkaAclList(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		is := func(it kafka.ServiceKafkaAclListOut) bool { return *it.Id == last.Id }
		if err := expect(slices.ContainsFunc(listed, is), "%+v", listed); err != nil {
			return err
		}
		left, err := s.client.ServiceKafkaAclDelete(s.ctx, s.project, s.service, last.Id)
		if err != nil {
			return err
		}
		still := func(it kafka.ServiceKafkaAclDeleteOut) bool { return *it.Id == last.Id }
		return expect(!slices.ContainsFunc(left, still), "%+v", left)
	}},
	{"Kafka-native ACL add, get, list, delete", func(s *site) error {
		made, err := s.client.ServiceKafkaNativeAclAdd(s.ctx, s.project, s.service,
			&kafka.ServiceKafkaNativeAclAddIn{
				Operation: kafka.OperationTypeRead, PatternType: kafka.PatternTypePrefixed,
				PermissionType: kafka.ServiceKafkaNativeAclPermissionTypeAllow,
				Principal:      "User:" + user(s), ResourceName: "go-", ResourceType: kafka.ResourceTypeTopic,
			})
		if err != nil {
			return err
		}
		got, err := s.client.ServiceKafkaNativeAclGet(s.ctx, s.project, s.service, made.Id)
		if err != nil {
			return err
		}
		if err := expect(got.Host == "*" && got.ResourceName == "go-", "%+v", got); err != nil {
			return err
		}
		listed, err := s.client.ServiceKafkaNativeAclList(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		is := func(it kafka.KafkaAclOut) bool { return it.Id == made.Id }
		if err := expect(slices.ContainsFunc(listed.KafkaAcl, is), "%+v", listed); err != nil {
			return err
		}
		if err := s.client.ServiceKafkaNativeAclDelete(s.ctx, s.project, s.service, made.Id); err != nil {
			return err
		}
		_, err = s.client.ServiceKafkaNativeAclGet(s.ctx, s.project, s.service, made.Id)
		return expect(aiven.IsNotFound(err), "%v", err)
	}},
	{"quota create, describe, list, delete", func(s *site) error {
		name, rate := user(s), 1048576.0
		in := &kafka.ServiceKafkaQuotaCreateIn{User: &name, ConsumerByteRate: &rate}
		if err := s.client.ServiceKafkaQuotaCreate(s.ctx, s.project, s.service, in); err != nil {
			return err
		}
		got, err := s.client.ServiceKafkaQuotaDescribe(s.ctx, s.project, s.service, kafka.ServiceKafkaQuotaDescribeUser(name))
		if err != nil {
			return err
		}
		if err := expect(*got.User == name && *got.ConsumerByteRate == rate, "%+v", got); err != nil {
			return err
		}
		listed, err := s.client.ServiceKafkaQuotaList(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		is := func(it kafka.QuotaOut) bool { return it.User == name }
		if err := expect(slices.ContainsFunc(listed, is), "%+v", listed); err != nil {
			return err
		}
		return s.client.ServiceKafkaQuotaDelete(s.ctx, s.project, s.service, kafka.ServiceKafkaQuotaDeleteUser(name))
	}},
	{"user delete", func(s *site) error {
		return s.client.ServiceUserDelete(s.ctx, s.project, s.service, user(s))
	}},
	{"user get again is not found", func(s *site) error {
		_, err := s.client.ServiceUserGet(s.ctx, s.project, s.service, user(s))
		return expect(aiven.IsNotFound(err), "%v", err)
	}},
}
